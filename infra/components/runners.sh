#!/usr/bin/env bash
# One job of GitHub Actions, then gone. The GitHub App's key stays in the vault, which signs with it: nothing secret
# is stored here. Wants APP_ID, INSTALLATION_ID, REPOSITORY, LABEL, SIGNING_KEY (the key's URL) and CLIENT_ID.
set -euo pipefail
flat() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
vault_token=$(curl -sSf -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \
  "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://vault.azure.net&client_id=$CLIENT_ID" | jq -r .access_token)
now=$(date +%s)
head=$(printf '{"alg":"RS256","typ":"JWT"}' | flat)
body=$(printf '{"iat":%d,"exp":%d,"iss":"%s"}' $((now - 60)) $((now + 540)) "$APP_ID" | flat)
digest=$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -binary | flat)
signature=$(curl -sSf -X POST "$SIGNING_KEY/sign?api-version=7.4" -H "Authorization: Bearer $vault_token" \
  -H 'Content-Type: application/json' -d "{\"alg\":\"RS256\",\"value\":\"$digest\"}" | jq -r .value)
github=${GITHUB_API:-https://api.github.com}
installation=$(curl -sSf -X POST -H "Authorization: Bearer $head.$body.$signature" \
  "$github/app/installations/$INSTALLATION_ID/access_tokens" | jq -r .token)
jit=$(curl -sSf -X POST -H "Authorization: Bearer $installation" \
  "$github/repos/$REPOSITORY/actions/runners/generate-jitconfig" \
  -d "{\"name\":\"$LABEL-$now-$RANDOM\",\"runner_group_id\":1,\"labels\":[\"$LABEL\"]}" | jq -r .encoded_jit_config)
exec ./run.sh --jitconfig "$jit"
