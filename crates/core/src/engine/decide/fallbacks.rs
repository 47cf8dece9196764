//! Renders messages, and plans the fallbacks and escalations of a delivery.

use super::planned::PlannedFallback;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::hooks::{self, Hook};
use crate::message::{Context, Message};
use crate::platform;
use std::sync::Arc;

pub(super) struct Renderer<'a> {
    pub config: &'a Config,
    pub context: &'a Context,
}

impl Renderer<'_> {
    /// The message of a hook, or the platform's own card without a hook.
    pub fn render(&self, hook: Option<&Hook>, endpoint: &Endpoint) -> Result<Message, String> {
        let template = hook.and_then(|hook| hook.template.as_ref());
        let message = hooks::compose(hook, endpoint, self.context)
            .map_err(|error| self.config.scrubber.scrub(&error.to_string()))?;
        // Cards keep their platform's limits; what a template makes is cut to them.
        let body = template.and_then(|_| platform::trimmed(endpoint.platform, &message.body));
        Ok(Message { body: body.unwrap_or(message.body), ..message })
    }

    /// The message of a hook for `other`, where its template was written for `to`: on another platform the card
    /// replaces the template.
    fn render_for(&self, hook: &Hook, to: &Endpoint, other: &Endpoint) -> Result<Message, String> {
        let fits = to.platform.name() == other.platform.name();
        self.render(Some(hook).filter(|_| fits), other)
    }

    fn fallback_of(&self, endpoint: &Endpoint) -> Option<&Arc<Endpoint>> {
        self.config.endpoint(endpoint.fallback.as_deref()?)
    }
}

/// The fallbacks of a delivery, its escalations, and their fallbacks.
pub(super) fn plan_fallbacks(
    renderer: &Renderer<'_>,
    hook: &Hook,
    to: &Endpoint,
    kind: &str,
    now: i64,
) -> Vec<PlannedFallback> {
    let mut fallbacks = Vec::new();
    add_fallbacks(renderer, hook, to, to, &mut fallbacks);
    let Some(escalate) = &hook.shaping.escalate else { return fallbacks };
    let due_at = Some(now.saturating_add(escalate.after.as_millis() as i64));
    let alert = (kind == "alert.firing").then(|| {
        hooks::alert_key(
            renderer.context.at(&["alert", "name"]),
            renderer.context.text_at(&["alert", "node"]),
        )
    });
    for other in escalate.to.iter().filter_map(|name| renderer.config.endpoint(name)) {
        if let Ok(message) = renderer.render_for(hook, to, other) {
            let (via, endpoint) = (to.name.clone(), other.name.clone());
            fallbacks.push(PlannedFallback { via, endpoint, due_at, alert: alert.clone(), message });
            add_fallbacks(renderer, hook, to, other, &mut fallbacks);
        }
    }
    fallbacks
}

/// Follows `fallback` from an endpoint. Skips endpoints for which the message cannot be rendered.
fn add_fallbacks(
    renderer: &Renderer<'_>,
    hook: &Hook,
    to: &Endpoint,
    from: &Endpoint,
    fallbacks: &mut Vec<PlannedFallback>,
) {
    let (mut via, mut next) = (from.name.clone(), renderer.fallback_of(from));
    // The configuration allows no circles, so the chain is never longer than this.
    for _ in 0..renderer.config.endpoints.len() {
        let Some(endpoint) = next else { return };
        if let Ok(message) = renderer.render_for(hook, to, endpoint) {
            let name = endpoint.name.clone();
            fallbacks.push(PlannedFallback {
                via,
                endpoint: name.clone(),
                due_at: None,
                alert: None,
                message,
            });
            via = name;
        }
        next = renderer.fallback_of(endpoint);
    }
}
