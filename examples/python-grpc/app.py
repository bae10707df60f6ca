"""A counter actor over gRPC, one stream of turns; python3 app.py, then: ringside serve --app grpc://127.0.0.1:8081"""
import os
import pathlib
import subprocess
import sys
from concurrent import futures

import grpc
from google.protobuf import any_pb2, struct_pb2, wrappers_pb2

root = pathlib.Path(__file__).resolve().parents[2]
stubs = pathlib.Path(os.environ.get("STUBS", root / "build/python"))
if not (stubs / "ringside/app/v1/app_pb2_grpc.py").exists():
    stubs.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{root}/proto", f"--python_out={stubs}",
                    f"--grpc_python_out={stubs}", "ringside/app/v1/app.proto"], check=True)
sys.path.append(str(stubs))
from ringside.app.v1 import app_pb2 as protos, app_pb2_grpc as services  # noqa: E402

counts, fences = {}, {}  # by actor; a fence outlives its actor
record = open(os.environ.get("RECORD", os.devnull), "a", buffering=1)


class App(services.ActorHostServicer):
    def ApplyStream(self, frames, context):
        for frame in frames:
            results = protos.ResultFrame()
            for turn in frame.turns:
                results.results.append(self.turn(turn))
            for end in frame.deactivations:
                for id in list(counts) if end.all else end.ids:
                    counts.pop(id, None)
                results.deactivated.add(seq=end.seq)
            yield results

    def turn(self, turn):
        if turn.epoch < fences.get(turn.id, 0):
            return protos.TurnResult(seq=turn.seq, outcome=protos.OUTCOME_REFUSED, reason="an older activation")
        fences[turn.id] = turn.epoch
        counts[turn.id] = counts.get(turn.id, 0) + len(turn.messages)
        for message in turn.messages:
            text = wrappers_pb2.StringValue()
            record.write(f"{turn.id} {turn.epoch} {text.value if message.Unpack(text) else message.type_url}\n")
        reply, packed = struct_pb2.Struct(), any_pb2.Any()
        reply.update({"app": "Python (gRPC)", "count": counts[turn.id], "epoch": turn.epoch})
        packed.Pack(reply)
        return protos.TurnResult(seq=turn.seq, outcome=protos.OUTCOME_APPLIED, replies=[packed])


server = grpc.server(futures.ThreadPoolExecutor(4))
services.add_ActorHostServicer_to_server(App(), server)
print("listening on", server.add_insecure_port(f"127.0.0.1:{os.environ.get('PORT', 8081)}"), flush=True)
server.start()
server.wait_for_termination()
