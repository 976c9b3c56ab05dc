"""Pushes a file over gRPC with nothing but the .proto, goes on after a cut, and prints the report.

pip install grpcio grpcio-tools
HUB_KEY=hub_… python push.py 127.0.0.1:50051 proto rb28s 2022-Q4 FILE     (proto: the folder of the contract)
"""
import hashlib
import os
import pathlib
import sys
import time
import uuid

import grpc

PIECE = 1 << 20
address, contract, pattern, period, file = sys.argv[1:]
sys.path.insert(0, contract)
messages, services = grpc.protos_and_services("hub/v1/submission.proto")
# A production hub: grpc.secure_channel(address, grpc.ssl_channel_credentials())
hub = services.SubmissionServiceStub(grpc.insecure_channel(address))
key = [("authorization", f"Bearer {os.environ['HUB_KEY']}")]


def safely(call, request):
    """Every call is safe to repeat: the request id says that it is the same push."""
    for pause in (0.2, 1, 5, 0):
        try:
            return call(request() if callable(request) else request, metadata=key)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or not pause:
                sys.exit(f"{error.code().name}: {error.details()}")
            time.sleep(pause)


def pieces(submission):
    """What the hub does not have yet."""
    offset = safely(hub.GetSubmission, messages.GetSubmissionRequest(name=submission)).submission.durable_offset
    with open(file, "rb") as payload:
        payload.seek(offset)
        while data := payload.read(PIECE):
            yield messages.UploadPayloadRequest(submission=submission, offset=offset, data=data)
            offset += len(data)


# The id is kept until there is a verdict, so that the program may be run again after a cut.
kept = pathlib.Path(f"{file}.request_id")
if not kept.exists():
    kept.write_text(str(uuid.uuid4()))
create = messages.CreateSubmissionRequest(
    request_id=kept.read_text(), pattern=f"patterns/{pattern}", period=period, media_type="text/csv",
    size_bytes=os.path.getsize(file), sha256=hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest())
submission = safely(hub.CreateSubmission, create).submission.name
safely(hub.UploadPayload, lambda: pieces(submission))
verdict = safely(hub.CommitSubmission, messages.CommitSubmissionRequest(submission=submission))
kept.unlink()
print(messages.SubmissionState.Name(verdict.submission.state), "rows:", verdict.submission.rows)
for violation in verdict.report.violations:
    print(violation.row, violation.column, violation.code, violation.message.pl)
