# Every wheel comes from the hashed lock; only what the gateway needs to run is installed from them.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock .
RUN pip download --no-cache-dir --require-hashes --dest wheels --requirement requirements.lock
COPY pyproject.toml .
COPY core core
COPY adapters adapters
COPY gateway gateway
RUN python -m venv /opt/chatgateway \
    && /opt/chatgateway/bin/pip install --no-cache-dir --no-index --find-links wheels .

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin chatgateway \
    && install --directory --owner chatgateway --group chatgateway --mode 700 /data
COPY --from=build /opt/chatgateway /opt/chatgateway
ENV PATH=/opt/chatgateway/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
# Without --redis the embedded server keeps its data here.
VOLUME /data
EXPOSE 8080 8081
# The admin listener answers health without a token; a start may have to load the data first.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["chatgateway"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
