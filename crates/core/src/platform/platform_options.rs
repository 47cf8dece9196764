//! What a platform needs in addition to the URL.

/// A key of `[endpoints.NAME]` that belongs to a platform. Its value is a text, or a whole number that is
/// read as one.
#[derive(Debug)]
pub struct PlatformOption<'t> {
    /// The name in the configuration.
    pub name: &'t str,
    /// What it may hold, in words that go after "expected".
    pub form: &'t str,
    /// Whether a value has that form.
    pub accepts: fn(&str) -> bool,
    /// Whether the platform cannot do without it.
    pub required: bool,
    /// Whether it is never shown.
    pub secret: bool,
    /// One sentence.
    pub meaning: &'t str,
}

/// A token or a secret: one line of visible ASCII.
pub(super) fn is_token(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Why a value is needed that neither the URL nor its key holds.
pub type MissingValue = (&'static str, String);

/// Whether any platform has a key of this name.
pub fn is_platform_option(name: &str) -> bool {
    option_names().contains(&name)
}

/// The names of the keys of all platforms, each once.
pub fn option_names() -> Vec<&'static str> {
    let mut names = Vec::new();
    for option in super::all().iter().flat_map(|platform| platform.description().options) {
        if !names.contains(&option.name) {
            names.push(option.name);
        }
    }
    names
}

/// The names of the platforms that have a key of this name.
pub fn platforms_with_option(name: &str) -> Vec<&'static str> {
    let has =
        |platform: &&&dyn super::Platform| platform.description().options.iter().any(|key| key.name == name);
    super::all().iter().filter(has).map(|platform| platform.name()).collect()
}
