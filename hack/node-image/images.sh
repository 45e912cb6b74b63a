#!/usr/bin/env bash
# Makes the images that a cluster without a registry starts from, as tars in one folder.
#   hack/node-image/images.sh OUT_FOLDER DEBIAN_ROOT      (hack/node-image/node.sh calls it)
# Dynamic programs (iptables, nft, haproxy, curl) are taken out of DEBIAN_ROOT with the libraries they load. The names under
# which Kubernetes and MetalLB look for their images come from kubeadm and from MetalLB's manifest.
set -euo pipefail
# shellcheck source=../lib/cache.sh
. "$(dirname "$0")/../lib/cache.sh"
# shellcheck source=../lib/oci.sh
. "$HACK/lib/oci.sh"

SEARCH='"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'

main() {
  OUT=${1:?the folder to fill is missing} ROOT=${2:?the unpacked Debian system is missing}
  mkdir -p "$OUT"
  STAGE=$OUT.stage
  trap 'rm -rf "$STAGE"' EXIT
  KUBE=$("$HACK/build.sh" kube)
  GROUND=$("$HACK/build.sh" ground)
  NAMES=$(exec -a kubeadm "$KUBE" config images list --kubernetes-version "$KUBERNETES_VERSION" 2>/dev/null)
  kube_image
  program_image pause "$GROUND/pause" "$(name_of pause)"
  program_image coredns "$("$HACK/build.sh" coredns)" "$(name_of coredns)"
  program_image controller "$("$HACK/build.sh" metallb-controller)" "$(metallb_name controller)"
  program_image speaker "$("$HACK/build.sh" metallb-speaker)" "$(metallb_name speaker)"
  ground_image
}

# The control plane's five images are one: the binary, linked under its names, with the tables' tools that kube-proxy calls.
kube_image() {
  fresh_stage
  install -D -m755 "$KUBE" "$STAGE/usr/local/bin/kube"
  for program in kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd kubectl; do
    ln -s kube "$STAGE/usr/local/bin/$program"
  done
  local tables modules
  tables=/usr/lib/$(uname -m)-linux-gnu/xtables
  modules=("$ROOT$tables"/*.so)
  mkdir -p "$STAGE/tmp" "$STAGE/run" "$STAGE$tables"
  cp -a "$ROOT$tables/." "$STAGE$tables/"
  with_libraries /usr/sbin/nft /usr/sbin/xtables-nft-multi "${modules[@]#"$ROOT"}"
  for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s xtables-nft-multi "$STAGE/usr/sbin/$name"
  done
  local names=()
  for program in kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd; do names+=("$(name_of "$program")"); done
  finish kube "{$SEARCH}" "${names[@]}"
}

# What the ground itself runs: the ingress controller, and the pods that verify asks and answers from.
ground_image() {
  fresh_stage
  install -D -m755 -t "$STAGE/usr/local/bin" "$GROUND/ingress" "$GROUND/echo"
  mkdir -m 1777 "$STAGE/tmp"
  with_libraries /usr/sbin/haproxy /usr/bin/curl /bin/busybox
  ln -s busybox "$STAGE/bin/sh"
  ln -s busybox "$STAGE/bin/sleep"
  finish ground "{$SEARCH}" "$GROUND_IMAGE"
}

# program_image NAME PROGRAM TAG: one static program and nothing else.
program_image() {
  fresh_stage
  install -m755 "$2" "$STAGE/$1"
  finish "$1" "{$SEARCH,\"Entrypoint\":[\"/$1\"]}" "$3"
}

fresh_stage() {
  rm -rf "$STAGE"
  mkdir -p "$STAGE"
}

finish() {
  local name=$1 config=$2
  shift 2
  layer_tar "$STAGE" "$STAGE.layer"
  oci_tar "$OUT/$name.tar" "$STAGE.layer" "$config" "$@"
  rm -rf "$STAGE" "$STAGE.layer"
}

# with_libraries PATH…: copies files of the Debian system into the stage, with every library that loading them needs.
with_libraries() {
  local path
  for path in "$@" $(chroot_ldd "$@"); do
    path=${path#"$ROOT"}
    [ -e "$STAGE$path" ] || install -D -m755 "$ROOT$path" "$STAGE$path"
  done
}

chroot_ldd() {
  chroot "$ROOT" ldd "$@" 2>/dev/null | grep -oE '/[^ :]+\.so[^ :]*' | sort -u || true # a static program has none
}

name_of() {
  grep "/$1:" <<<"$NAMES" || die "kubeadm names no image for $1: it said: $NAMES"
}

metallb_name() {
  sed -n "s#.*image: *\(.*/$1:.*\)#\1#p" "$("$HACK/build.sh" metallb-manifest)" | head -n 1
}

main "$@"
