# The image of Sen: built in one stage, run in another, as nobody special, on a file system that may be read-only.
# Everything that Sen writes lies in one volume. The steps are those of the Makefile and of tests/flows/test_wheel.py.
#
#   docker build -t sen .
#   docker run --read-only -v sen:/var/lib/sen -e SEN_SERVER__ISSUER=... -e SEN_SECRETS__MASTER_KEY=... sen db upgrade
#   docker run --read-only -v sen:/var/lib/sen -e ... -p 8000:8000 sen          (and beside it: ... sen worker)

FROM python:3.11-slim AS build

WORKDIR /src
COPY requirements-run.lock ./
RUN python -m venv /opt/sen \
 && /opt/sen/bin/pip install --no-cache-dir --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md ./
COPY idp ./idp
COPY keys ./keys
COPY consent ./consent
COPY config ./config
COPY templates ./templates
COPY examples/portal ./examples/portal
RUN /opt/sen/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/sen/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim

RUN groupadd --system --gid 10001 sen \
 && useradd --system --uid 10001 --gid sen --home-dir /var/lib/sen --no-create-home --shell /usr/sbin/nologin sen \
 && install --directory --owner=sen --group=sen --mode=0700 /var/lib/sen
COPY --from=build /opt/sen /opt/sen
ENV PATH=/opt/sen/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/var/lib/sen \
    SEN_SERVER__BIND=0.0.0.0 \
    SEN_STORAGE__DATABASE_URL=sqlite:////var/lib/sen/sen.db \
    SEN_STORAGE__REDIS_URL=unix:///var/lib/sen/valkey.sock \
    SEN_METRICS__FOLDER=/var/lib/sen/metrics
USER 10001:10001
WORKDIR /var/lib/sen
VOLUME /var/lib/sen
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:%s/health/live' % os.environ.get('SEN_SERVER__PORT', 8000), timeout=3)"]
ENTRYPOINT ["sen"]
CMD ["serve"]
