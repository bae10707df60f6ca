"""A DNS server of the test's own on loopback: A, AAAA and SRV, out of a dictionary that a test changes while it runs."""
import ipaddress
import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33


def _name(dotted):
    return b"".join(bytes([len(label)]) + label.encode() for label in dotted.split(".")) + b"\0"


class DnsServer:
    """records: (name, type) to a list; addresses as text, SRV as (port, target)."""

    def __init__(self):
        self.records, self.mode, self.asked = {}, "answer", threading.Semaphore(0)
        self.silent_about = set()  # types of records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def await_questions(self, count, patience):
        while self.asked.acquire(blocking=False):
            pass
        for _ in range(count):
            assert self.asked.acquire(timeout=patience), "it is asked again"

    def _serve(self):
        while True:
            try:
                question, sender = self.socket.recvfrom(4096)
            except OSError:
                return
            reply = self._answer(question)
            if reply:
                self.socket.sendto(reply, sender)
            self.asked.release()

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        name, kind = ".".join(labels), struct.unpack("!H", question[at + 1:at + 3])[0]
        found = self.records.get((name, kind), [])
        if self.mode == "silence" or kind in self.silent_about:
            return None
        if self.mode == "garbage":
            return question[:2] + b"\xff" * 300
        if self.mode == "failure":
            return question[:2] + b"\x81\x82" + question[4:6] + b"\0" * 6 + question[12:at + 5]
        if self.mode == "nothing":
            found = []
        known = found or any(key[0] == name for key in self.records) and self.mode != "nothing"
        head = struct.pack("!2sHHHHH", question[:2], 0x8180 if known else 0x8183, 1, len(found), 0, 0)
        return head + question[12:at + 5] + b"".join(self._record(kind, one) for one in found)

    @staticmethod
    def _record(kind, value):
        if kind == SRV:
            data = struct.pack("!HHH", 0, 1, value[0]) + _name(value[1])
        else:
            data = ipaddress.ip_address(value).packed
        return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data

    def kill(self):
        self.socket.close()
