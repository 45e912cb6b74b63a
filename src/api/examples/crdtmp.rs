fn main() {
    print!("{}", netreach_api::crd_yaml());
}
