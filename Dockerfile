# Two images: `chunkgate` (the last, so the default) and `minio` for the local
# stack. Needs BuildKit, which is Docker's default since 23.0.

FROM golang:1.26.8-alpine AS go
ENV CGO_ENABLED=0 GOFLAGS=-trimpath

# MinIO stopped publishing community images in September 2025, before its last
# security fixes. This is the version that the tests run against, from the same
# tools/minio/go.mod; the first build takes some minutes. mc comes along to make
# the bucket.
FROM go AS build-minio
WORKDIR /src
COPY tools/minio/go.mod tools/minio/go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir /out && go build -ldflags="-s -w" -o /out/ tool

FROM alpine:3.24.2 AS minio
COPY --from=build-minio /out/minio /out/mc /usr/local/bin/
# A named volume takes over the owner of the folder it is mounted on.
RUN install -d -o 65532 -g 65532 /data
USER 65532:65532
# For what MinIO and mc keep beside the data; the root may be read-only.
ENV HOME=/tmp
EXPOSE 9000
ENTRYPOINT ["minio"]
CMD ["server", "/data", "--address", ":9000"]

FROM go AS build-chunkgate
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -ldflags="-s -w" -o /out/chunkgate ./cmd/chunkgate

# Nothing but the program and the certificates it needs to talk to S3. It writes
# no file: the root file system may be read-only.
FROM scratch AS chunkgate
COPY --from=go /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build-chunkgate /out/chunkgate /chunkgate
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/chunkgate", "health"]
ENTRYPOINT ["/chunkgate"]
CMD ["serve"]
