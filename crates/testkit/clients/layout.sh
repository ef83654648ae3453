# Where the cache keeps what. Sourced by `install` and `run`, so that both always agree.
# Each folder carries a digest of its manifest: another version of this tree gets another folder,
# and a folder that exists is complete.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${COUNTERSIGN_TEST_CLIENTS:-${COUNTERSIGN_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign-tests}/clients}

python_environments=(adobe-jwt adobe-oauth middleware oauth umapi)

# Of the files' content alone: the same tree in another place finds the same folders.
digest() {
  cat "$@" | sha256sum | cut -c1-12
}

node_packages() {
  echo "$cache/node-$(digest "$here/node/package-lock.json")"
}

axe_packages() {
  echo "$cache/axe-$(digest "$here/axe/package-lock.json")"
}

python_environment() {
  echo "$cache/python-$1-$(digest "$here/python/requirements/$1.txt")"
}

oauth2_rs() {
  local source=$here/../oracles/oauth2-rs
  echo "$cache/oauth2-rs-$(digest "$source/Cargo.lock" "$source/src/main.rs")"
}
