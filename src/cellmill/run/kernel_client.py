"""Jupyter clients that lose no time at a kernel's start, of which one begins for each task.

This module is imported when a run executes, never by ``import cellmill``: its base classes live in jupyter_client.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient  # noqa: TID253 - see the module's docstring
from jupyter_client.blocking.client import BlockingKernelClient  # noqa: TID253
from jupyter_client.client import KernelClient  # noqa: TID253
from jupyter_client.manager import KernelManager  # noqa: TID253
from jupyter_core.utils import ensure_async, run_sync

# Seconds that an answer may take before the kernel is looked at, and asked again.
_ANSWER = 1.0
_NEWS = 0.2

# Milliseconds between two tries to connect to a socket that the kernel has not made yet; zmq waits 100.
_RETRY = 3


def use_prompt_client(manager: KernelManager) -> None:
    """Let a kernel's manager, and the client that it gives, lose no time at the kernel's start and at its end.

    A manager with a client of somebody else's keeps that.
    """
    prompt = {AsyncKernelClient: PromptClient, BlockingKernelClient: PromptBlockingClient}
    manager.client_factory = prompt.get(manager.client_factory, manager.client_factory)
    # The manager has a socket of its own, by which it asks the kernel to end.
    manager.context.setsockopt(zmq.RECONNECT_IVL, _RETRY)


class _Prompt(KernelClient):
    """Goes on as soon as the kernel is ready; Jupyter's clients always listen 0.2 s more for other news."""

    def start_channels(self, *args: Any, **options: Any) -> None:
        """Connect to the kernel's sockets."""
        self.context.setsockopt(zmq.RECONNECT_IVL, _RETRY)
        super().start_channels(*args, **options)

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and its news come through, and leave none of them unread.

        Raises
        ------
        RuntimeError
            If it dies before, or has not answered after ``timeout`` seconds.
        """
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while not await self._has_answered(self.kernel_info()):
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _has_answered(self, request: str) -> bool:
        """Whether the answer to this request came, and then the news that the kernel is idle after it."""
        try:
            answer = await ensure_async(self.shell_channel.get_msg(timeout=_ANSWER))
            if answer["msg_type"] != "kernel_info_reply":
                return False
            while True:
                news = await ensure_async(self.iopub_channel.get_msg(timeout=_NEWS))
                idle = news["msg_type"] == "status" and news["content"]["execution_state"] == "idle"
                if idle and news["parent_header"].get("msg_id") == request:
                    break
        except Empty:
            return False
        self._handle_kernel_info_reply(answer)
        return True


class PromptClient(_Prompt, AsyncKernelClient):
    """For callers that await."""

    wait_for_ready = _Prompt._async_wait_for_ready


class PromptBlockingClient(_Prompt, BlockingKernelClient):
    """For callers that wait."""

    wait_for_ready = run_sync(_Prompt._async_wait_for_ready)
