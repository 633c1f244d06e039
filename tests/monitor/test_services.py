"""Alerts at the services that people have: a mail server and a chat, real ones on loopback."""

from __future__ import annotations

import email
import email.policy
import json
import os
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from monitored import SECRET, Inbox

from cellmill.monitor.sending import send

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

BODY = "Pipeline: churn\nCell: notebooks/churn.ipynb, cell 7\nError: ValueError: größer als <b>nichts</b>"


class Mails:
    """A mail server that wants a name and a password."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.to: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._server = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._knows,
            auth_required=True,
            auth_require_tls=False,
        )
        self._server.start()

    def _knows(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, told: Any) -> AuthResult:
        known = isinstance(told, LoginPassword) and told == LoginPassword(b"mill", SECRET.encode())
        return AuthResult(success=known, handled=False)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.to += envelope.rcpt_tos
        return "250 taken"

    def address(self, password: str = SECRET) -> str:
        named = "from=mill@example.org&to=mia@example.org&mode=insecure"
        return f"mailto://mill:{password}@127.0.0.1:{self.port}?smtp=127.0.0.1&user=mill&{named}"

    def close(self) -> None:
        self._server.stop()


@pytest.fixture
def mails() -> Iterator[Mails]:
    server = Mails()
    yield server
    server.close()


def test_a_mail_has_the_alert_as_its_subject_and_text(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL", mails.address())

    assert send("MAIL", "churn/nightly failed", BODY) is None

    (mail,) = mails.taken
    assert mails.to == ["mia@example.org"]
    assert mail["Subject"] == "churn/nightly failed"
    part = mail.get_body(("plain", "html"))
    assert part is not None
    assert [line.strip() for line in part.get_content().splitlines() if line.strip()] == BODY.splitlines()


def test_a_mail_server_that_refuses_is_told_without_the_password(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL", mails.address(password=f"wrong{SECRET}"))

    problem = send("MAIL", "churn/nightly failed", BODY)

    assert problem
    assert SECRET not in problem
    assert mails.taken == []


def test_a_chat_shows_the_alert_as_it_was_written(monkeypatch: pytest.MonkeyPatch, inbox: Inbox) -> None:
    monkeypatch.setenv("CHAT", f"mmost://127.0.0.1:{inbox.server.server_port}/{SECRET}")

    assert send("CHAT", "churn/nightly failed", BODY) is None

    (post,) = inbox.taken
    assert "churn/nightly failed" in post["text"]
    assert BODY in post["text"]
    assert SECRET not in json.dumps(post)
    assert SECRET in os.environ["CHAT"]
