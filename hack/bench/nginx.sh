# An nginx of our own to measure against: an ordinary process on the second core, that ends with the script.
# shellcheck shell=bash disable=SC2034

# shellcheck source=server.sh
. "$HACK/bench/server.sh"

# start_nginx: sets NGINX_PORT and NGINX_PID.
start_nginx() {
  need nginx "install the package nginx-light (this runs one of its own, as an ordinary process)"
  NGINX_PORT=$(free_port)
  mkdir "$DIR/temporary"
  nginx_config >"$DIR/nginx.conf"
  taskset -c 1 nginx -p "$DIR" -c "$DIR/nginx.conf" 2>"$DIR/nginx.log" &
  NGINX_PID=$!
  await_server "$NGINX_PID" "$NGINX_PORT" "$DIR/nginx.log"
}

# An answer about as long as an agent's echo.
nginx_config() {
  cat <<END
daemon off;
master_process off;
pid $DIR/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  error_log stderr;
  keepalive_requests 1000000000;
  client_body_temp_path $DIR/temporary;
  proxy_temp_path $DIR/temporary;
  fastcgi_temp_path $DIR/temporary;
  uwsgi_temp_path $DIR/temporary;
  scgi_temp_path $DIR/temporary;
  server {
    listen 127.0.0.1:$NGINX_PORT reuseport backlog=4096;
    location / { return 200 "netreach-agent-x7k2p worker-2 10.244.1.17:41234"; }
  }
}
END
}
