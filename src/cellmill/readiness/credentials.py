"""Passwords, keys and tokens in the code, as detect-secrets finds them: one line at a time, offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cellmill.findings import Finding
from cellmill.readiness.facts import Promoted
from cellmill.rules.production import Credential

# Detectors of high entropy and of IP addresses are left out: in notebooks they find hashes, ids and addresses.
_DETECTORS = (
    ("keyword", "KeywordDetector"),
    ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"),
    ("basic_auth", "BasicAuthDetector"),
    ("discord", "DiscordBotTokenDetector"),
    ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("jwt", "JwtTokenDetector"),
    ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"),
    ("openai", "OpenAIDetector"),
    ("private_key", "PrivateKeyDetector"),
    ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"),
    ("slack", "SlackDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"),
    ("telegram_token", "TelegramBotTokenDetector"),
    ("twilio", "TwilioKeyDetector"),
)
_SHORTEST = 6
# A line without a quote, a URL or a key's head holds nothing that a detector knows.
_WORTH_A_LOOK = re.compile(r"['\"]|://|-----BEGIN|[A-Za-z0-9_-]{20}")


def findings(promoted: Promoted) -> Iterator[Finding]:
    """One for each line; what was found is never repeated in the message."""
    for part in promoted.parts:
        for line, kind in credentials_in(part.tagged.body):
            yield Credential.finding(
                f"this line looks like it holds a credential ({kind})",
                'read it from the environment, such as os.environ["PASSWORD"], and replace it by a new one',
                step=part.step,
                cell=part.cell.number,
                cell_id=str(part.cell.id),
                line=line,
            )


@lru_cache(maxsize=4096)
def credentials_in(source: str) -> tuple[tuple[int, str], ...]:
    """Lines (from 1) that hold a credential, each with its kind."""
    found = []
    for number, text in enumerate(source.split("\n"), start=1):
        if len(text) > _SHORTEST and _WORTH_A_LOOK.search(text):
            kind = _kind(text)
            if kind is not None:
                found.append((number, kind))
    return tuple(found)


def _kind(text: str) -> str | None:
    for detector in _detectors():
        for secret in detector.analyze_line("cell.py", text):
            if not _is_placeholder(secret.secret_value or "", detector):
                return str(detector.secret_type).lower().replace("secret keyword", "a secret's name with a text")
    return None


@lru_cache(maxsize=1)
def _detectors() -> tuple[Any, ...]:
    from importlib import import_module

    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _DETECTORS)


def _is_placeholder(secret: str, detector: Any) -> bool:
    """What detect-secrets itself leaves out: ids, sequences, templates, words in angle brackets; and short words."""
    from detect_secrets.filters import heuristic

    if type(detector).__name__ != "KeywordDetector":
        return False
    left_out = (
        heuristic.is_sequential_string,
        heuristic.is_potential_uuid,
        heuristic.is_not_alphanumeric_string,
        heuristic.is_templated_secret,
    )
    return len(secret) < _SHORTEST or any(one(secret) for one in left_out) or _PLAIN_WORDS.fullmatch(secret) is not None


# A sentence, or the name of what should stand there.
_PLAIN_WORDS = re.compile(
    r".*\s.*|(your|my|the|some|enter)?[_-]?(password|passwd|pwd|secret|token|api_?key)([_-]?(here|name|column))?",
    re.IGNORECASE,
)
