# Counters in the memory of one WEBrick process: app.rb PORT
require "json"
require "webrick"

counts = Hash.new(0)
lock = Mutex.new
quiet = WEBrick::Log.new(File::NULL)
server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: ARGV[0].to_i, Logger: quiet, AccessLog: [])
server.mount_proc("/actors") do |request, response|
  _, _, actor, _, name = request.path.split("/")
  next response.status = 404 unless request.request_method == "POST" && name == "add"

  count = lock.synchronize { counts[actor] += 1 }
  response["content-type"] = "application/json"
  response.body = { count: count, epoch: request["ringside-epoch"].to_i, pid: Process.pid }.to_json
end
server.start
