# Container images without a container engine: one tar that `docker load`, `ctr images import` and OCI tools read alike.
# The same input makes the same bytes: no clock, no owner, no order of a file system goes into it.
# shellcheck shell=bash

# layer_tar FOLDER OUT.tar: the folder as an image layer, all of it root's.
layer_tar() {
  tar -C "$1" --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$2" .
}

# oci_tar OUT LAYER.tar CONFIG TAG…: CONFIG is the image configuration's "config" object, in JSON. ARCH says for what machine.
oci_tar() {
  local out=$1 layer=$2 config=$3 work=$1.oci layer_digest config_digest manifest_digest
  shift 3
  rm -rf "$work"
  mkdir -p "$work/blobs/sha256"
  layer_digest=$(sha256sum "$layer" | cut -d' ' -f1)
  cp --reflink=auto "$layer" "$work/blobs/sha256/$layer_digest"
  config_digest=$(printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$ARCH" "$config" "$layer_digest" | blob "$work")
  manifest_digest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
    "$(descriptor "$work" image.config.v1+json "$config_digest")" "$(descriptor "$work" image.layer.v1.tar "$layer_digest")" | blob "$work")
  printf '{"imageLayoutVersion":"1.0.0"}' >"$work/oci-layout"
  oci_index "$work" "$manifest_digest" "$@" >"$work/index.json"
  # Older engines know only this list.
  printf '[{"Config":"blobs/sha256/%s","RepoTags":[%s],"Layers":["blobs/sha256/%s"]}]' \
    "$config_digest" "$(printf '"%s"\n' "$@" | paste -sd,)" "$layer_digest" >"$work/manifest.json"
  chmod -R u=rwX,go=rX "$work"
  layer_tar "$work" "$out"
  rm -rf "$work"
}

# blob FOLDER: keeps stdin under its digest, and prints the digest.
blob() {
  local digest
  cat >"$1/incoming"
  digest=$(sha256sum "$1/incoming" | cut -d' ' -f1)
  mv "$1/incoming" "$1/blobs/sha256/$digest"
  printf '%s' "$digest"
}

# descriptor FOLDER TYPE DIGEST [MORE]: how one blob names another.
descriptor() {
  printf '{"mediaType":"application/vnd.oci.%s","digest":"sha256:%s","size":%d%s}' "$2" "$3" "$(stat -c %s "$1/blobs/sha256/$3")" "${4:-}"
}

# oci_index FOLDER MANIFEST TAG…: the manifest once for each tag.
oci_index() {
  local work=$1 manifest=$2 entries=() tag
  shift 2
  for tag in "$@"; do
    entries+=("$(descriptor "$work" image.manifest.v1+json "$manifest" \
      ",\"annotations\":{\"io.containerd.image.name\":\"$tag\",\"org.opencontainers.image.ref.name\":\"${tag##*:}\"}")")
  done
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$(IFS=, && echo "${entries[*]}")"
}
