"""Addresses of streams without what must stay secret."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_url(url: str) -> str:
    """The address without user name, password and query, fit for logs and messages."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the stream"
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}{port}{parts.path}"
