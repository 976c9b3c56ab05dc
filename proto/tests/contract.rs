//! The contract as text: a change of any service, message, field or enum is a visible diff.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::fmt::Write as _;

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorSet, ServiceDescriptorProto, field_descriptor_proto,
};

#[test]
fn contract() {
    let set = FileDescriptorSet::decode(hub_proto::v1::DESCRIPTOR_SET).unwrap();
    let mut text = String::new();
    let mut files: Vec<_> = set.file.iter().filter(|f| f.package() == "hub.v1").collect();
    files.sort_by_key(|f| f.name());
    assert_eq!(files.len(), 5, "a new file of the contract: look at its name and package first");
    for file in files {
        writeln!(text, "# {}", file.name()).unwrap();
        file.service.iter().for_each(|s| service(&mut text, s));
        file.enum_type.iter().for_each(|e| enumeration(&mut text, e));
        file.message_type.iter().for_each(|m| message(&mut text, m, ""));
        text.push('\n');
    }
    insta::assert_snapshot!("contract", text);
}

fn service(text: &mut String, service: &ServiceDescriptorProto) {
    writeln!(text, "service {}", service.name()).unwrap();
    for m in &service.method {
        let stream = |on| if on { "stream " } else { "" };
        let (from, to) = (stream(m.client_streaming()), stream(m.server_streaming()));
        writeln!(text, "  {}({from}{}) → {to}{}", m.name(), short(m.input_type()), short(m.output_type()))
            .unwrap();
    }
}

fn enumeration(text: &mut String, e: &EnumDescriptorProto) {
    writeln!(text, "enum {}", e.name()).unwrap();
    for value in &e.value {
        writeln!(text, "  {} = {}", value.name(), value.number()).unwrap();
    }
}

fn message(text: &mut String, m: &DescriptorProto, parent: &str) {
    let name = format!("{parent}{}", m.name());
    writeln!(text, "message {name}").unwrap();
    for field in &m.field {
        let label = match field.label() {
            field_descriptor_proto::Label::Repeated => "repeated ",
            _ if field.proto3_optional() => "optional ",
            _ => "",
        };
        let kind = match field.type_name() {
            "" => field.r#type().as_str_name().trim_start_matches("TYPE_").to_lowercase(),
            named => short(named).to_owned(),
        };
        let choice = match field.oneof_index {
            Some(at) if !field.proto3_optional() => {
                format!(" (one of {})", m.oneof_decl[usize::try_from(at).unwrap()].name())
            }
            _ => String::new(),
        };
        writeln!(text, "  {} {label}{kind} {}{choice}", field.number(), field.name()).unwrap();
    }
    m.enum_type.iter().for_each(|e| enumeration(text, e));
    m.nested_type.iter().for_each(|n| message(text, n, &format!("{name}.")));
}

fn short(type_name: &str) -> &str {
    type_name.trim_start_matches(".hub.v1.").trim_start_matches('.')
}
