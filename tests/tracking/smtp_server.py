"""A mail server for tests: takes what it is given, and refuses where it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Taken:
    """A mail as it came: the envelope, and the bytes after DATA."""

    sender: str
    recipients: list[str]
    data: bytes

    @property
    def mail(self) -> EmailMessage:
        mail = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    @property
    def html(self) -> str:
        body = self.mail.get_body(("html",))
        assert body is not None
        return str(body.get_content())


@dataclass
class MailServer:
    """What came in so far; `refuses` has the answers to other than yes, by command (MAIL, RCPT, DATA)."""

    port: int
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    refuses: dict[str, tuple[str, str]] = field(default_factory=dict)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server of SMTP (RFC 5321) on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = MailServer(listening.getsockname()[1])
        threading.Thread(target=_serve, args=(listening, server), daemon=True).start()
        yield server


def _serve(listening: socket.socket, server: MailServer) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        server.connections += 1
        threading.Thread(target=_talk, args=(client, server), daemon=True).start()


def _talk(client: socket.socket, server: MailServer) -> None:
    with client, client.makefile("rwb") as line:
        sender, recipients = "", list[str]()

        def say(answer: str) -> None:
            line.write(answer.encode() + b"\r\n")
            line.flush()

        say("220 mx.example.net ESMTP")
        while command := line.readline().decode("utf-8", "replace").strip():
            verb = command[:4].upper()
            part, answer = server.refuses.get(verb, ("", ""))
            if answer and part in command:
                say(answer)
            elif verb == "MAIL":
                sender, recipients = _address(command), []
                say("250 2.1.0 Ok")
            elif verb == "RCPT":
                recipients.append(_address(command))
                say("250 2.1.5 Ok")
            elif verb == "DATA":
                say("354 End data with <CR><LF>.<CR><LF>")
                server.taken.append(Taken(sender, recipients, _data(line)))
                say("250 2.0.0 Ok: queued as 4XyZ")
            else:
                say("221 2.0.0 Bye" if verb == "QUIT" else "250 mx.example.net")
                if verb == "QUIT":
                    return


def _address(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]


def _data(line: "socket.SocketIO | object") -> bytes:
    lines = []
    while (each := line.readline()) != b".\r\n":  # type: ignore[union-attr]
        lines.append(each[1:] if each.startswith(b"..") else each)
    return b"".join(lines)
