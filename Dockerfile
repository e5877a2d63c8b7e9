# docker build -t tag-importer . && docker run --read-only --tmpfs /tmp -v "$PWD:/work" tag-importer validate list.xlsx
# Two stages: what builds stays behind. The root may be read-only: state and runs are kept in /work, which is yours.
FROM python:3.13-slim AS build
COPY requirements.lock pyproject.toml README.md LICENSE /source/
COPY importer /source/importer
COPY config /source/config
RUN python -m venv /opt/tag-importer \
  && /opt/tag-importer/bin/pip install --no-cache-dir --quiet --require-hashes -r /source/requirements.lock \
  && /opt/tag-importer/bin/pip install --no-cache-dir --quiet --no-deps --no-build-isolation /source \
  && /opt/tag-importer/bin/python -m compileall -q /opt/tag-importer/lib

FROM python:3.13-slim
COPY --from=build /opt/tag-importer /opt/tag-importer
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin importer && mkdir /work && chown importer /work
ENV PYTHONDONTWRITEBYTECODE=1 TAG_IMPORTER_STATE_DIR=/work/.tag-importer
USER 10001
WORKDIR /work
ENTRYPOINT ["/opt/tag-importer/bin/tag-importer"]
CMD ["--help"]
