#!/usr/bin/env bash
# Makes the kind node image as an OCI tar: Debian, containerd, the Kubernetes programs, and the images a cluster starts from.
#   hack/node-image/node.sh OUT.tar TAG DEBIAN.tar      (hack/build.sh node-image calls it and keeps what it makes)
set -euo pipefail
# shellcheck source=../lib/cache.sh
. "$(dirname "$0")/../lib/cache.sh"
# shellcheck source=../lib/oci.sh
. "$HACK/lib/oci.sh"

main() {
  local out=${1:?the path to write is missing} tag=${2:?the tag is missing} debian=${3:?the Debian tar is missing} kube
  ROOT=$out.d LAYER=$out.layer
  rm -rf "$ROOT"
  mkdir -p "$ROOT"
  trap 'rm -rf "$ROOT" "$LAYER"' EXIT
  kube=$("$HACK/build.sh" kube)
  tar -C "$ROOT" --numeric-owner -xf "$debian"
  "$HACK/node-image/images.sh" "$ROOT/kind/images" "$ROOT"
  rm -f "$ROOT/usr/sbin/haproxy" # it was there for its image alone
  install -m755 "$kube" "$ROOT/usr/local/bin/kube"
  for program in kubeadm kubectl kubelet; do ln -s ../local/bin/kube "$ROOT/usr/bin/$program"; done
  place_files
  set_up_systemd
  # Owners matter here: dbus and systemd have users of their own.
  tar -C "$ROOT" --format=gnu --sort=name --mtime=@0 --numeric-owner -cf "$LAYER" .
  oci_tar "$out" "$LAYER" \
    '{"Env":["container=docker","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Entrypoint":["/usr/local/bin/entrypoint","/sbin/init"],"StopSignal":"SIGRTMIN+3","Labels":{"netreach.parts":"built"}}' \
    "$tag"
}

place_files() {
  local files=$HACK/node-image/files pause
  install -m755 "$HACK/node-image/entrypoint" "$ROOT/usr/local/bin/entrypoint"
  install -D -m755 "$HACK/cni/second-nic" "$ROOT/opt/cni/bin/second-nic"
  for plugin in "$ROOT"/usr/lib/cni/*; do ln -s "/usr/lib/cni/${plugin##*/}" "$ROOT/opt/cni/bin/"; done
  install -D -m644 "$files/kubelet.service" "$ROOT/etc/systemd/system/kubelet.service"
  install -D -m644 "$files/kubelet.slice" "$ROOT/etc/systemd/system/kubelet.slice"
  install -D -m644 "$files/images.service" "$ROOT/etc/systemd/system/images.service"
  install -D -m644 "$files/storage.yaml" "$ROOT/kind/manifests/default-storage.yaml"
  : >"$ROOT/kind/manifests/default-cni.yaml" # kind reads it; our own network is laid from outside
  echo "$KUBERNETES_VERSION" >"$ROOT/kind/version"
  pause=$(exec -a kubeadm "$ROOT/usr/local/bin/kube" config images list --kubernetes-version "$KUBERNETES_VERSION" 2>/dev/null | grep /pause:)
  mkdir -p "$ROOT/etc/containerd" "$ROOT/etc/kubernetes/manifests"
  sed "s#@PAUSE@#$pause#" "$files/containerd.toml" >"$ROOT/etc/containerd/config.toml"
}

# A container has no devices to settle, no consoles and no disks to check: keep what a node needs, and nothing that waits.
set_up_systemd() {
  local system=lib/systemd/system
  rm -f "$ROOT"/$system/{multi-user,local-fs,basic}.target.wants/* "$ROOT"/etc/systemd/system/*.wants/* \
    "$ROOT"/$system/sockets.target.wants/*{udev,initctl}* "$ROOT"/$system/sysinit.target.wants/systemd-tmpfiles-setup.service
  printf '[Journal]\nReadKMsg=no\n' >>"$ROOT/etc/systemd/journald.conf"
  chroot "$ROOT" systemctl -q enable kubelet containerd images
  chroot "$ROOT" systemctl -q mask systemd-binfmt systemd-udevd
  chroot "$ROOT" systemctl -q set-default multi-user.target
}

main "$@"
