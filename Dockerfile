# A static binary and nothing else: no shell, no package manager, no user database.
FROM rust:1.95.0-slim-bookworm AS build
# The C compiler for musl: aws-lc is written in C and assembly.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends musl-tools \
 && rm -rf /var/lib/apt/lists/* \
 && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
RUN cargo build --release --locked --bin tokenward --target "$(uname -m)-unknown-linux-musl" \
 && cp "target/$(uname -m)-unknown-linux-musl/release/tokenward" /tokenward

FROM scratch
COPY --from=build /tokenward /tokenward
# A number, so that `runAsNonRoot` can be checked without a user database.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/tokenward"]
CMD ["serve"]
