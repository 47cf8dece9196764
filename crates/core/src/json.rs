//! `json!`, written as the one of `serde_json`: a call for each member, since that one repeats the code of an
//! insertion in every place.

use serde::Serialize;
use serde_json::{Map, Value};

macro_rules! json {
    (@members $object:ident) => {};
    (@members $object:ident $name:tt : null $(, $($rest:tt)*)?) => {
        $crate::json::Members::put(&mut $object, $name, json!(null));
        json!(@members $object $($($rest)*)?);
    };
    (@members $object:ident $name:tt : [$($items:tt)*] $(, $($rest:tt)*)?) => {
        $crate::json::Members::put(&mut $object, $name, json!([$($items)*]));
        json!(@members $object $($($rest)*)?);
    };
    (@members $object:ident $name:tt : {$($members:tt)*} $(, $($rest:tt)*)?) => {
        $crate::json::Members::put(&mut $object, $name, json!({$($members)*}));
        json!(@members $object $($($rest)*)?);
    };
    (@members $object:ident $name:tt : $value:expr $(, $($rest:tt)*)?) => {
        $crate::json::Members::put(&mut $object, $name, json!($value));
        json!(@members $object $($($rest)*)?);
    };
    (@items [$($done:expr,)*]) => {
        serde_json::Value::Array(vec![$($done,)*])
    };
    (@items [$($done:expr,)*] null $(, $($rest:tt)*)?) => {
        json!(@items [$($done,)* json!(null),] $($($rest)*)?)
    };
    (@items [$($done:expr,)*] [$($items:tt)*] $(, $($rest:tt)*)?) => {
        json!(@items [$($done,)* json!([$($items)*]),] $($($rest)*)?)
    };
    (@items [$($done:expr,)*] {$($members:tt)*} $(, $($rest:tt)*)?) => {
        json!(@items [$($done,)* json!({$($members)*}),] $($($rest)*)?)
    };
    (@items [$($done:expr,)*] $item:expr $(, $($rest:tt)*)?) => {
        json!(@items [$($done,)* json!($item),] $($($rest)*)?)
    };
    (null) => { serde_json::Value::Null };
    ([$($items:tt)*]) => { json!(@items [] $($items)*) };
    ({}) => { serde_json::Value::Object($crate::json::object()) };
    ({$($members:tt)*}) => {{
        let mut object = $crate::json::object();
        json!(@members object $($members)*);
        serde_json::Value::Object(object)
    }};
    ($value:expr) => { $crate::json::value(&$value) };
}
pub(crate) use json;

#[inline(never)]
pub(crate) fn object() -> Map<String, Value> {
    Map::new()
}

/// The text of a value.
#[inline(never)]
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Writes the text of a value behind what is there.
pub(crate) fn write(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// Null for what JSON cannot say.
#[inline(never)]
pub(crate) fn value(value: &(impl Serialize + ?Sized)) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

pub(crate) trait Members {
    /// Sets a member, whether or not it is there.
    fn put(&mut self, name: &str, value: Value);
}

impl Members for Map<String, Value> {
    #[inline(never)]
    fn put(&mut self, name: &str, value: Value) {
        self.insert(name.to_owned(), value);
    }
}
