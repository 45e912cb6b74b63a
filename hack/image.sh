#!/usr/bin/env bash
# Makes our container images from static binaries: FROM scratch, a user that is not root, the CA bundle, nothing else.
#   hack/image.sh [--out FOLDER] [--engine] NAME:TAG=BINARY…
#     --out FOLDER  where the tars go, NAME.tar each (default: target/images)
#     --engine      load them into the docker engine as well
# No engine is needed: the tars are what `docker load`, `ctr images import` and hack/cluster.sh load read. The same binary and
# CA bundle make the same bytes, so the digest printed names the content. `docker build` over what --context leaves does the same:
#   hack/image.sh --context FOLDER NAME:TAG=BINARY      a folder with a Dockerfile for that
# CA_BUNDLE names another bundle than /etc/ssl/certs/ca-certificates.crt.
set -euo pipefail
# shellcheck source=lib/cache.sh
. "$(dirname "$0")/lib/cache.sh"
# shellcheck source=lib/oci.sh
. "$HACK/lib/oci.sh"

# Nobody's number: above every system user, and what "non-root" images commonly run as.
USER_ID=65532
CA_BUNDLE=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}

main() {
  local out=target/images context='' engine=no
  while [ $# -gt 0 ]; do
    case $1 in
      --out) out=${2:?a folder is missing} && shift 2 ;;
      --context) context=${2:?a folder is missing} && shift 2 ;;
      --engine) engine=yes && shift ;;
      -*) usage ;;
      *) break ;;
    esac
  done
  [ $# -gt 0 ] || usage
  [ -f "$CA_BUNDLE" ] || die "there is no CA bundle at $CA_BUNDLE: install ca-certificates, or name one in CA_BUNDLE"
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  umask 022
  for pair in "$@"; do
    check_pair "$pair"
    if [ -n "$context" ]; then
      stage "${pair#*=}" "$context/root"
      dockerfile "$(basename "${pair#*=}")" >"$context/Dockerfile"
    else
      image "${pair%%=*}" "${pair#*=}" "$out" "$engine"
    fi
  done
}

check_pair() {
  local binary=${1#*=}
  case $1 in *:*=?*) ;; *) die "'$1' is not NAME:TAG=BINARY" ;; esac
  [ -x "$binary" ] || die "there is no program at $binary: build it first"
  # An image from scratch has no loader: a dynamic program would end with 'no such file or directory'.
  ! ldd "$binary" 2>&1 | grep -q '=>' || die "$binary is not static: build it for a musl target, or with crt-static"
}

# image NAME:TAG BINARY FOLDER ENGINE: prints the tar and its digest.
image() {
  local tag=$1 binary=$2 out=$3 name tar
  name=${tag%%:*}
  tar=$out/${name##*/}.tar
  mkdir -p "$out"
  stage "$binary" "$WORK/root"
  layer_tar "$WORK/root" "$WORK/layer.tar"
  oci_tar "$tar.part" "$WORK/layer.tar" "{\"User\":\"$USER_ID:$USER_ID\",\"Entrypoint\":[\"/${binary##*/}\"],\"Env\":[\"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\"]}" \
    "$(full_name "$tag")"
  mv "$tar.part" "$tar"
  printf '%s  %s\n' "$(sha256sum <"$tar" | cut -d' ' -f1)" "$tar"
  [ "$4" = no ] || docker load -q -i "$tar" >&2
}

# Kubernetes looks for a short name at a default registry; one that starts with a host is taken as it is.
full_name() {
  case $1 in
    *.*/* | localhost/*) printf '%s' "$1" ;;
    *) printf 'localhost/%s' "$1" ;;
  esac
}

# stage BINARY FOLDER
stage() {
  rm -rf "$2"
  install -D -m755 "$1" "$2/${1##*/}"
  install -D -m644 "$CA_BUNDLE" "$2/etc/ssl/certs/ca-certificates.crt"
  chmod -R u=rwX,go=rX "$2"
}

# dockerfile PROGRAM
dockerfile() {
  cat <<EOF
FROM scratch
COPY root/ /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER $USER_ID:$USER_ID
ENTRYPOINT ["/$1"]
EOF
}

main "$@"
