//! A list or an object that is printed with the digits that its numbers had in the event.

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;

pub(super) struct GivenTree {
    pub(super) value: Value,
    pub(super) json: Json,
}

impl GivenTree {
    pub(super) fn of(value: &Value) -> Option<&Json> {
        value.downcast_object_ref::<GivenTree>().map(|tree| &tree.json)
    }
}

/// An object of the engine needs this. The values are the host's, and belong in no debug output.
impl fmt::Debug for GivenTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenTree").finish_non_exhaustive()
    }
}

impl Object for GivenTree {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.json.is_array() { ObjectRepr::Seq } else { ObjectRepr::Map }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.value.get_item(key).ok().filter(|item| !item.is_undefined())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.json {
            Json::Array(items) => Enumerator::Seq(items.len()),
            _ => Enumerator::Values(self.value.try_iter().into_iter().flatten().collect()),
        }
    }
}
