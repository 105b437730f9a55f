# The build image has Node 24 and npm. The base image has only glibc and libstdc++, so the node binary is copied into it.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# To use another registry, build with --secret id=npmrc,src=$HOME/.npmrc
# Install scripts are off: the only package that has one installs Node.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npm run build \
 && npm prune --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.[cm]ts' \) -delete \
 && mkdir config data

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="lifecycle-watcher" \
      org.opencontainers.image.description="Watches EC2 Image Builder lifecycle executions and reports each change of status" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# Mount points for the configuration and the store.
COPY --from=build /build/config config
COPY --from=build --chown=10001:10001 /build/data data
VOLUME /app/data
# SQLite writes large sorts to temporary files. If the root file system is read-only, /app/data is the only place for them.
ENV LIFECYCLE_WATCHER_HOST=0.0.0.0 HOME=/app SQLITE_TMPDIR=/app/data
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=6s --start-period=20s CMD ["node", "/app/dist/main.js", "healthcheck"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run"]
