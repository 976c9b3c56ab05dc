//! Patterns and code lists are embedded as folders; without this a file that is added would not be noticed.

fn main() {
    println!("cargo:rerun-if-changed=patterns");
    println!("cargo:rerun-if-changed=codelists");
}
