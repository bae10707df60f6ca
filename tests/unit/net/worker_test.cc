#include "sidecar/net/worker.h"

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(Worker, WorksBesideTheLoopInOrderAndTellsOnTheLoop) {
  Loop loop;
  Worker worker(loop);
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    const auto worked_on = std::make_shared<std::thread::id>();
    worker.run(
        1, [worked_on] { *worked_on = std::this_thread::get_id(); },
        [&, i, worked_on] {
          EXPECT_NE(*worked_on, here);
          EXPECT_EQ(std::this_thread::get_id(), here);
          done.push_back(i);
        });
  }
  while (done.size() < 3) loop.run_once();
  EXPECT_EQ(done, (std::vector{0, 1, 2}));
}

TEST(Worker, HasRoomForABoundedNumberOfBytes) {
  Loop loop;
  Worker worker(loop);
  std::promise<void> go_on;
  bool done = false;
  worker.run(
      Worker::kMostBytes, [wait = go_on.get_future().share()] { wait.wait(); }, [&] { done = true; });
  EXPECT_FALSE(worker.has_room(1));
  go_on.set_value();
  while (!done) loop.run_once();
  EXPECT_TRUE(worker.has_room(Worker::kMostBytes));
}

TEST(Worker, NobodyHearsOfWhatIsNotDoneWhenItEnds) {
  Loop loop;
  bool told = false;
  std::promise<void> begun;
  {
    Worker worker(loop);
    worker.run(
        1, [&] { begun.set_value(); }, [&] { told = true; });
    for (int i = 0; i < 100; ++i) {
      worker.run(
          1, [] {}, [&] { told = true; });
    }
    begun.get_future().wait();
  }
  loop.run();
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace ringside::net
