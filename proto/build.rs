//! Compiles `hub/v1/*.proto` without an installed protoc.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=hub");
    let mut protos: Vec<PathBuf> =
        fs::read_dir("hub/v1")?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    protos.sort();
    let descriptors = protox::Compiler::new(["."])?
        .include_imports(true)
        .include_source_info(true)
        .open_files(&protos)?
        .encode_file_descriptor_set();
    let out =
        PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join("hub.v1.descriptor.bin");
    fs::write(&out, &descriptors)?;
    tonic_prost_build::configure()
        .bytes(".")
        .skip_protoc_run()
        .file_descriptor_set_path(&out)
        .compile_protos(&protos, &[PathBuf::from(".")])?;
    Ok(())
}
