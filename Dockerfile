# The four services and the command line in one image; the command selects what runs.
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.base.json tsconfig.build.json ./
COPY apps apps
COPY libs libs
COPY tools tools
RUN npm ci --no-audit --no-fund
RUN node node_modules/typescript/bin/tsc -b tsconfig.build.json \
  && node node_modules/vite/bin/vite.js build apps/console --logLevel warn && npm prune --omit=dev --no-audit --no-fund \
  && rm -rf apps/*/src libs/*/src node_modules/@bailiwick/bench

FROM node:20-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/apps apps
COPY --from=build /app/libs libs
COPY bin bin
USER node
ENTRYPOINT ["node", "--conditions=built", "--enable-source-maps", "--max-semi-space-size=64", "--initial-old-space-size=256"]
CMD ["bin/bailiwick.mjs", "--help"]
