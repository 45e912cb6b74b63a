# Certificates for a control plane on loopback, by openssl: short-lived, in one folder, for tests alone.
# shellcheck shell=bash

CERT_DAYS=30

# make_ca FOLDER/NAME COMMON_NAME: NAME.crt and NAME.key.
make_ca() {
  openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$CERT_DAYS" \
    -subj "/CN=$2" -addext "keyUsage=critical,keyCertSign,cRLSign,digitalSignature" \
    -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# sign FOLDER/CA FOLDER/NAME SUBJECT EXTENSION…: a leaf, NAME.crt and NAME.key, signed by CA.
sign() {
  local ca=$1 leaf=$2 subject=$3 extensions=()
  shift 3
  for extension in "$@"; do extensions+=(-addext "$extension"); done
  openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$CERT_DAYS" \
    -CA "$ca.crt" -CAkey "$ca.key" -subj "$subject" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature" "${extensions[@]}" \
    -keyout "$leaf.key" -out "$leaf.crt" 2>/dev/null
}

# write_kubeconfig FILE SERVER CA_CERT CLIENT_NAME: credentials are embedded, so that the file can be handed on alone.
write_kubeconfig() {
  local file=$1 server=$2 ca=$3 client=$4
  umask 077
  cat >"$file" <<EOF
apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 "$ca")
users:
- name: test
  user:
    client-certificate-data: $(base64 -w0 "$client.crt")
    client-key-data: $(base64 -w0 "$client.key")
contexts:
- name: test
  context: {cluster: test, user: test}
EOF
}
