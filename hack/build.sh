#!/usr/bin/env bash
# Builds one of the programs that a cluster is made of from Go modules, once per machine and version, and prints its path.
#   hack/build.sh kube|kind|coredns|metallb-controller|metallb-speaker
#   hack/build.sh all
# What is built is kept in $NETREACH_CACHE (default: ~/.cache/netreach). A cut build goes on where it was: Go keeps each package.
set -euo pipefail
. "$(dirname "$0")/lib/cache.sh"

GO_PROGRAMS="kube kind coredns metallb-controller metallb-speaker"

main() {
  [ $# -eq 1 ] || usage
  need go "install Go (https://go.dev/doc/install), at least the version that hack/kube/go.mod names"
  case $1 in
    all) for program in $GO_PROGRAMS; do build "$program"; done ;;
    *) build "$1" ;;
  esac
}

build() {
  case $1 in
    kube) build_kube ;;
    kind) install_module kind "sigs.k8s.io/kind@$KIND_VERSION" ;;
    coredns) install_module coredns "github.com/coredns/coredns@$COREDNS_VERSION" ;;
    metallb-controller) install_module metallb-controller "go.universe.tf/metallb/controller@$METALLB_VERSION" ;;
    metallb-speaker) install_module metallb-speaker "go.universe.tf/metallb/speaker@$METALLB_VERSION" ;;
    *) usage ;;
  esac
}

build_kube() {
  local want print path
  for want in "k8s.io/kubernetes $KUBERNETES_VERSION" "go.etcd.io/etcd/server/v3 $ETCD_VERSION"; do
    grep -q "^	$want\$" "$HACK/kube/go.mod" ||
      die "hack/kube/go.mod does not require '$want' (as hack/versions.env says): make them agree, then run 'go mod tidy' in hack/kube"
  done
  print=$(fingerprint "$HACK/kube/go.mod" "$HACK/kube/go.sum" "$HACK/kube/main.go")
  path=$CACHE/kube-$KUBERNETES_VERSION-$print-$ARCH/kube
  keep "$path" compile_kube
  printf '%s\n' "$path"
}

# The version has to be stamped in: kubeadm and the API server's discovery compare what they were built as.
compile_kube() {
  local v=k8s.io/component-base/version minor=${KUBERNETES_VERSION#v1.}
  local stamp="-X $v.gitVersion=$KUBERNETES_VERSION -X $v.gitMajor=1 -X $v.gitMinor=${minor%%.*} -X $v.gitTreeState=clean"
  CGO_ENABLED=0 nice go build -C "$HACK/kube" -trimpath -ldflags "-s -w $stamp" -o "$1" . >&2
}

# install_module NAME PACKAGE@VERSION
install_module() {
  local path=$CACHE/$1-${2##*@}-$ARCH/$1
  keep "$path" go_install "$2"
  printf '%s\n' "$path"
}

# Go names what it installs by the package, in a folder: so install into one of our own, and take the only file.
go_install() {
  local bin=$2.d
  rm -rf "$bin"
  GOBIN=$bin CGO_ENABLED=0 nice go install -trimpath -ldflags "-s -w" "$1" >&2 || return
  mv -T "$bin"/* "$2"
  rmdir "$bin"
}

main "$@"
