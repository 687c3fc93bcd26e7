"""A receiver of notices on this machine: receiver.py FILE writes its address to FILE.url, and each notice to FILE."""

import http.server
import sys

FILE = sys.argv[1]


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(FILE, "ab") as out:
            out.write(body + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
    with open(FILE + ".url", "w", encoding="ascii") as out:
        out.write(f"http://127.0.0.1:{server.server_port}/notices\n")
    server.serve_forever()
