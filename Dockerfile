# docker build -t ringside.dev/ringside:0.1.0 --build-arg VERSION=0.1.0 .        (linux/amd64 and linux/arm64 by the same file)
FROM debian:12-slim AS build
WORKDIR /source
COPY .ci/packages.txt .ci/
RUN apt-get update && apt-get install -y --no-install-recommends \
      $(awk '!/^#/ && $2 ~ /(^|,)build(,|$)/ { print $1 }' .ci/packages.txt)
COPY . .
# No git in here: without it the version is the file's.
ARG VERSION=""
RUN cmake --preset release -D RINGSIDE_VERSION="$VERSION" && cmake --build --preset release --target ringside && \
    deploy/collect-image.sh build/release/bin/ringside /image

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
ENV PATH=/usr/bin
EXPOSE 1337 9137
ENTRYPOINT ["/usr/bin/ringside"]
CMD ["serve"]
