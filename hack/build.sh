#!/usr/bin/env bash
# Builds one of the things that a cluster is made of, from Go modules and Debian packages, once per machine and version, and prints its path.
#   hack/build.sh kube|kind|coredns|metallb-controller|metallb-speaker|metallb-manifest|ground|macvlan|minio|informer
#   hack/build.sh node-image        the kind node image: an OCI tar of Debian packages and the programs above (as root)
#   hack/build.sh all
# What is built is kept in $NETREACH_CACHE (default: ~/.cache/netreach). A cut build goes on where it was: Go keeps each package.
set -euo pipefail
. "$(dirname "$0")/lib/cache.sh"

EVERYTHING="kube kind coredns metallb-controller metallb-speaker metallb-manifest ground node-image"

main() {
  [ $# -eq 1 ] || usage
  need go "install Go (https://go.dev/doc/install), at least the version that hack/kube/go.mod names"
  case $1 in
    all) for program in $EVERYTHING; do build "$program"; done ;;
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
    metallb-manifest) metallb_manifest ;;
    macvlan) install_module macvlan "github.com/containernetworking/plugins/plugins/main/macvlan@$CNI_PLUGINS_VERSION" ;;
    minio) install_module minio "github.com/minio/minio@$MINIO_VERSION" ;;
    ground) build_ground ;;
    informer) build_informer ;;
    node-image) build_node_image ;;
    *) usage ;;
  esac
}

build_kube() {
  local want print path
  for want in "k8s.io/kubernetes $KUBERNETES_VERSION" "go.etcd.io/etcd/server/v3 $ETCD_VERSION"; do
    grep -q "^	$want\$" "$HACK/kube/go.mod" ||
      die "hack/kube/go.mod does not require '$want' (as hack/versions.env says): make them agree, then run 'go mod tidy' in hack/kube"
  done
  print=$(fingerprint "$HACK/kube/go.sum" "$HACK/kube/main.go")
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

# The folder of the small programs that the ground itself runs: pause, echo, ingress, delay.
build_ground() {
  local path
  path=$CACHE/ground-$(sources "$HACK"/kube/*/ | fingerprint "$HACK/kube/go.sum" -)-$ARCH
  keep "$path" compile_ground
  printf '%s\n' "$path"
}

compile_ground() {
  mkdir -p "$1" && CGO_ENABLED=0 nice go build -C "$HACK/kube" -trimpath -ldflags "-s -w" -o "$1/" ./pause ./echo ./ingress ./delay >&2
}

# A controller's view of reports, by client-go of the same release as everything else: what tests/informer is.
build_informer() {
  local source=$HACK/../tests/informer path
  grep -q "^	k8s.io/client-go v0.${KUBERNETES_VERSION#v1.}\$" "$source/go.mod" ||
    die "tests/informer/go.mod does not require client-go of Kubernetes $KUBERNETES_VERSION (as hack/versions.env says): make them agree, then run 'go mod tidy' there"
  path=$CACHE/informer-$(sources "$source" | fingerprint -)-$ARCH/informer
  keep "$path" compile_informer
  printf '%s\n' "$path"
}

compile_informer() {
  CGO_ENABLED=0 nice go build -C "$HACK/../tests/informer" -trimpath -ldflags "-s -w" -o "$1" . >&2
}

# Prints the path of a tar; the name of the image in it is localhost/netreach-node: and the tar's own print.
build_node_image() {
  local debian path print
  debian=$CACHE/debian-$DEBIAN_SUITE-$(fingerprint "$HACK/node-image/packages" "$HACK/node-image/debian.sh")-$ARCH.tar
  print=$(sources "$HACK/kube" "$HACK/node-image" "$HACK/cni/second-nic" "$HACK/lib/oci.sh" "$HACK/versions.env" | fingerprint -)
  path=$CACHE/node-$print-$ARCH.tar
  keep "$path" node_image_from "$debian" "localhost/netreach-node:$print"
  # Each is close to a gigabyte, and an older one is made again in seconds from what else is kept.
  find "$CACHE" -maxdepth 1 -name "node-*-$ARCH.tar" ! -path "$path" -delete
  printf '%s\n' "$path"
}

node_image_from() {
  keep "$1" "$HACK/node-image/debian.sh"
  nice "$HACK/node-image/node.sh" "$3" "$2" "$1"
}

metallb_manifest() {
  local path=$CACHE/metallb-$METALLB_VERSION/metallb-native.yaml
  keep "$path" copy_metallb_manifest
  printf '%s\n' "$path"
}

# The manifest lies in the module that the programs are built from, so the two cannot differ.
copy_metallb_manifest() {
  local module
  module=$(cd / && go mod download -json "go.universe.tf/metallb@$METALLB_VERSION" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  cp "$module/config/manifests/metallb-native.yaml" "$1" && chmod u+w "$1"
}

# sources PATH…: what is in the files there, in a lasting order. Tests do not go into what is built.
sources() {
  find "$@" -type f ! -name '*_test.go' | LC_ALL=C sort | xargs cat
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
