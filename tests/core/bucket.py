"""A bucket of a server that speaks as much S3 as is asked of it."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

_PART = re.compile(r"<PartNumber>(\d+)</PartNumber>")


class Bucket:
    """An ASGI application; `objects` is what it holds, `requests` what was asked of it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.requests: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        assert "Credential=" in request.headers["authorization"]
        key = unquote(scope["raw_path"].decode()).removeprefix("/bucket").lstrip("/")
        query = {name: values[0] for name, values in parse_qs(request.url.query, keep_blank_values=True).items()}
        self.requests.append(" ".join([request.method, key, *query]))
        response = self._answer(request.method, key, query, await request.body())
        await response(scope, receive, send)

    def _answer(self, method: str, key: str, query: dict[str, str], body: bytes) -> Response:
        upload = query.get("uploadId", "")
        tag = {"etag": f'"{uuid4().hex}"'}
        match method:
            case "PUT" if upload:
                self.uploads[upload][int(query["partNumber"])] = body
            case "PUT":
                self.objects[key] = body
            case "POST" if "uploads" in query:
                upload = uuid4().hex
                self.uploads[upload] = {}
                return _xml(
                    f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
                )
            case "POST" if upload:
                parts = self.uploads.pop(upload)
                self.objects[key] = b"".join(parts[int(number)] for number in _PART.findall(body.decode()))
                return _xml(
                    f"<CompleteMultipartUploadResult><ETag>{uuid4().hex}</ETag></CompleteMultipartUploadResult>"
                )
            case "DELETE" if upload:
                self.uploads.pop(upload)
                return Response(status_code=204)
            case "DELETE":
                self.objects.pop(key, None)
                return Response(status_code=204)
            case "GET" if key in self.objects:
                return Response(self.objects[key], headers={**tag, "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT"})
            case _:
                return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="application/xml")
        return Response(headers=tag)


def _xml(body: str) -> Response:
    return Response(body, media_type="application/xml")
