#!/usr/bin/env bash
# Tests the console: its types, its modules, and the page in Chromium.
#
#   tests/browser/run.sh              against a gateway that is not one, which also misbehaves
#   tests/browser/run.sh BASE_URL     against a running demo with customers who write
#
# MESEJ_BINARY is the program `mesej`: tests of people are run against it, too.
# MESEJ_RESTART is a command that kills the server at BASE_URL and starts it again; without it that test is left out.
# CHROMIUM is the browser, /usr/bin/chromium when it is not set.
# MESEJ_BROWSERS is how many files of tests run at once, each with a browser and gateways of its own: 1 when it is not set.
#
# A test that reads the page before the page has come so far fails once in a hundred runs, and each time with these:
#
#   MESEJ_RENDER_DELAY=80   frames of the page come this many milliseconds late
#   MESEJ_ANSWER_DELAY=60   the gateway that is not one hears a call, and answers it, up to so many milliseconds late
#   MESEJ_CPU_RATE=4        the browser is as many times slower
set -euo pipefail
[ -z "${MESEJ_BINARY:-}" ] || MESEJ_BINARY=$(realpath "$MESEJ_BINARY")
cd "$(dirname "$0")"

if [ ! -d node_modules/playwright-core ] || [ ! -d node_modules/axe-core ] || [ ! -d node_modules/typescript ]; then
  npm ci --no-audit --no-fund --ignore-scripts
fi
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || { echo "Chromium is missing: apt-get install chromium" >&2; exit 1; }

if [ $# -ge 1 ]; then
  MESEJ_URL="${1%/}" exec node --test --test-timeout=900000 --test-concurrency=1 demo.test.mjs
fi
node_modules/.bin/tsc --project .
node --test unit
if [ -n "${MESEJ_BINARY:-}" ]; then
  node --test --test-timeout=900000 --test-concurrency=1 real.test.mjs real_flow.test.mjs
fi
exec node --test --test-timeout=900000 --test-concurrency="${MESEJ_BROWSERS:-1}" demo.test.mjs page.test.mjs inbox.test.mjs canned.test.mjs media.test.mjs attach.test.mjs templates.test.mjs people.test.mjs team.test.mjs pages.test.mjs contacts.test.mjs broadcasts.test.mjs operators.test.mjs accounts.test.mjs profile.test.mjs languages.test.mjs sound.test.mjs resilience.test.mjs
