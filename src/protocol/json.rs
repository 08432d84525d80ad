//! Reading the wire without serde's machinery, which alone would be a tenth of the browser's download. A type says
//! which members it has, [`Json`] gives them: in the browser that is what its own `JSON.parse` made. The tests here
//! hold it to what serde reads.

/// A JSON value, however it is held.
pub trait Json: Sized {
    /// A member of an object; `None` when it is not there, or is `null`.
    fn member(&self, name: &str) -> Option<Self>;
    /// A string.
    fn text(&self) -> Option<String>;
    /// A number.
    fn number(&self) -> Option<f64>;
    /// `true` or `false`.
    fn truth(&self) -> Option<bool>;
    /// The items of an array.
    fn items(&self) -> Option<Vec<Self>>;
}

/// What can be read from JSON.
pub trait Decode: Sized {
    /// Reads it; `None` when it is something else.
    fn decode(json: &impl Json) -> Option<Self>;

    /// What an absent member stands for, if it may be absent.
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads a member of an object.
pub fn field<T: Decode>(json: &impl Json, name: &str) -> Option<T> {
    json.member(name).map_or_else(T::absent, |member| T::decode(&member))
}

impl Decode for String {
    fn decode(json: &impl Json) -> Option<Self> {
        json.text()
    }
}

impl Decode for bool {
    fn decode(json: &impl Json) -> Option<Self> {
        json.truth()
    }
}

impl Decode for f64 {
    fn decode(json: &impl Json) -> Option<Self> {
        json.number()
    }
}

/// Up to 2^53 a JSON number is exact; offsets and times are far below.
macro_rules! decode_integer {
    ($($type:ty)*) => {
        $(impl Decode for $type {
            fn decode(json: &impl Json) -> Option<Self> {
                json.number().map(|number| number as Self)
            }
        })*
    };
}

decode_integer!(u16 u32 u64 i64);

impl<T: Decode> Decode for Option<T> {
    fn decode(json: &impl Json) -> Option<Self> {
        T::decode(json).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(json: &impl Json) -> Option<Self> {
        json.items()?.iter().map(T::decode).collect()
    }
}

/// `members!(json => Type { a, b })` reads the members of those names. For structs and the variants of an enum.
macro_rules! members {
    ($json:ident => $($type:ident)::+ { $($field:ident),* $(,)? }) => {
        $($type)::+ { $($field: $crate::protocol::json::field($json, stringify!($field))?),* }
    };
}

/// `decode!(Type { a, b })` makes a struct readable by its members.
macro_rules! decode {
    ($($type:ident { $($field:ident),* $(,)? })*) => {
        $(impl $crate::protocol::json::Decode for $type {
            fn decode(json: &impl $crate::protocol::json::Json) -> Option<Self> {
                Some($crate::protocol::json::members!(json => Self { $($field),* }))
            }
        })*
    };
}

pub(crate) use {decode, members};

#[cfg(test)]
mod tests;
