#!/usr/bin/env bash
# Checks with Prometheus' own tool: the settings, the rules, the rules' tests, and the form of every query of the
# dashboards. PROMTOOL names the tool where it is not on the path.
set -euo pipefail
cd "$(dirname "$0")"

PROMTOOL="${PROMTOOL:-promtool}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

"$PROMTOOL" check config prometheus.yml
"$PROMTOOL" test rules alerts.test.yml

# promtool reads queries from rules alone, so each query becomes one; JSON is YAML. What Grafana would fill in is filled in.
node - dashboards/*.json > "$folder/queries.yml" <<'END'
const { readFileSync } = require("node:fs");
const rules = process.argv.slice(2).flatMap((path) => {
  const dashboard = JSON.parse(readFileSync(path, "utf8"));
  const asked = [...dashboard.panels.flatMap((panel) => panel.targets ?? []), ...dashboard.annotations.list];
  return asked.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"));
});
if (rules.length === 0) throw new Error("no dashboard has a query");
// Two panels may ask for the same.
const named = rules.map((expr, index) => ({ record: `query:${index}`, expr }));
console.log(JSON.stringify({ groups: [{ name: "dashboards", rules: named }] }));
END
"$PROMTOOL" check rules "$folder/queries.yml"
