# syntax=docker/dockerfile:1
# The gateway as an image: one binary, no shell, no root.
#
#   docker build -t mesej .
#   docker run -p 127.0.0.1:8080:8080 -v mesej:/data -e MESEJ_SERVER__ADMIN_TOKEN mesej

# The version of rust-toolchain.toml, which is not copied: it would bring tools that a build does not need.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
# What is compiled in stands beside the source: settings, the console, the cluster's schema.
COPY Cargo.toml Cargo.lock config.default.toml ./
COPY load-tests load-tests
COPY simulator simulator
COPY benches benches
COPY console console
COPY cql cql
COPY src src
# What was downloaded and compiled before stays with the builder, so that a change of one file builds one crate.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --profile dist --package mesej --bin mesej \
    && install -D target/dist/mesej /out/mesej \
    && install -d /out/data

# glibc, libgcc and the certificates of public authorities, of the same Debian release as above.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/mesej /usr/local/bin/mesej
# A new volume takes its owner from here.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV MESEJ_SERVER__LISTEN=0.0.0.0:8080 \
    MESEJ_STORE__PATH=/data
VOLUME /data
EXPOSE 8080
# Whether the process lives. Whether it takes work is /readyz, for whoever sends it traffic.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/mesej", "health"]
ENTRYPOINT ["/usr/local/bin/mesej"]
CMD ["serve"]
