//! How the shapes of the HTTP door describe themselves, for OpenAPI.

use serde_json::{Map, Value, json};

/// A value that has a JSON schema.
pub trait Shape {
    /// Its schema: of a named shape a reference.
    fn schema() -> Value;
    /// Puts the named shapes that it is made of into the document's components.
    fn describe(_components: &mut Map<String, Value>) {}
}

impl Shape for String {
    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl Shape for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

impl Shape for u64 {
    fn schema() -> Value {
        json!({ "type": "integer", "format": "int64", "minimum": 0 })
    }
}

impl Shape for u16 {
    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": 65535 })
    }
}

impl<T: Shape> Shape for Option<T> {
    fn schema() -> Value {
        json!({ "anyOf": [T::schema(), { "type": "null" }] })
    }
    fn describe(components: &mut Map<String, Value>) {
        T::describe(components);
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
    fn describe(components: &mut Map<String, Value>) {
        T::describe(components);
    }
}

/// Declares shapes: what a sender writes (`request`, unknown members are refused) and what the hub answers
/// (`answer`, all members are there). Their comments are the descriptions of the document.
macro_rules! shapes {
    () => {};
    ($(#[doc = $about:literal])+ request $name:ident requires $required:tt { $($members:tt)+ } $($rest:tt)*) => {
        shapes!(@shape [deny_unknown_fields] $name, [$($about)+], ($required), $($members)+);
        shapes!($($rest)*);
    };
    ($(#[doc = $about:literal])+ answer $name:ident { $($members:tt)+ } $($rest:tt)*) => {
        shapes!(@shape [] $name, [$($about)+], (), $($members)+);
        shapes!($($rest)*);
    };
    (@shape [$($strict:ident)?] $name:ident, [$($about:literal)+], ($($required:tt)?),
     $($(#[doc = $doc:literal])+ $member:ident: $type:ty,)+) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default $(, $strict)?)]
        pub struct $name { $($(#[doc = $doc])+ pub $member: $type,)+ }

        impl $crate::json::Shape for $name {
            fn schema() -> serde_json::Value {
                serde_json::json!({ "$ref": concat!("#/components/schemas/", stringify!($name)) })
            }
            fn describe(components: &mut serde_json::Map<String, serde_json::Value>) {
                if components.contains_key(stringify!($name)) {
                    return;
                }
                let mut properties = serde_json::Map::new();
                let all = [$(stringify!($member).trim_start_matches("r#")),+];
                $(
                    let mut schema = <$type as $crate::json::Shape>::schema();
                    if let Some(schema) = schema.as_object_mut() {
                        let about = concat!($($doc),+).trim();
                        schema.insert("description".to_owned(), about.into());
                    }
                    properties.insert(stringify!($member).trim_start_matches("r#").to_owned(), schema);
                )+
                let required: Option<&[&str]> = None $(.or(Some(&$required)))?;
                let about = concat!($($about),+).trim();
                let shape = serde_json::json!({
                    "type": "object",
                    "description": about,
                    "properties": properties,
                    "required": required.unwrap_or(&all),
                });
                components.insert(stringify!($name).to_owned(), shape);
                $(<$type as $crate::json::Shape>::describe(components);)+
            }
        }
    };
}
pub(super) use shapes;
