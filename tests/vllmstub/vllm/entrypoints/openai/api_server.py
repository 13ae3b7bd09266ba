"""The server: the part of its command line and of OpenAI's protocol that osca uses."""

import argparse
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import vllm


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer({"version": vllm.__version__})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if os.environ.get("STUB_TOGETHER") == "0" and OPTIONS.max_num_seqs > 2:
            print("torch.OutOfMemoryError: CUDA out of memory.", flush=True)
            os._exit(1)
        time.sleep(float(os.environ.get("STUB_DELAY_S", "0")))
        vllm.trace(f"draw {Path(OPTIONS.model).name} {body['seed']} {body['model']}")
        text = vllm.solve(body["messages"][-1]["content"], body["seed"])
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": len(text)}
        self.answer({"model": body["model"], "choices": [choice], "usage": usage})

    def answer(self, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("--model", "--served-model-name", "--host", "--dtype"):
        parser.add_argument(name)
    parser.add_argument("--port", type=int)
    parser.add_argument("--max-num-seqs", type=int, default=8)
    OPTIONS = parser.parse_args()
    vllm.trace(f"serve {Path(OPTIONS.model).name} {OPTIONS.max_num_seqs}")
    ThreadingHTTPServer((OPTIONS.host, OPTIONS.port), Handler).serve_forever()
