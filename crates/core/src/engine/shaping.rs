//! From a decision to deliveries: what a hook's shaping silences, holds and gathers, and what stands by in
//! case a delivery does not arrive.

use super::prepare::{Prepared, PreparedDelivery, Preparer, trimmed};
use crate::config::{Endpoint, Hook};
use crate::event::EventId;
use crate::hooks::{self, Subject};
use crate::message::{self, Context, Message};
use crate::shape::{Cooled, Window, hook_of};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// A message that stands by.
#[derive(Debug)]
pub struct PreparedReserve {
    /// The endpoint whose delivery is watched.
    pub via: String,
    /// Who hears instead.
    pub endpoint: String,
    /// When, in Unix milliseconds; `None` for when the watched delivery is dead.
    pub due_at: Option<i64>,
    /// The alert that calls for it even if it was delivered.
    pub alert: Option<String>,
    /// What they hear.
    pub message: Message,
}

/// What came of one subject.
#[derive(Debug)]
pub(super) struct Rung {
    /// What rings now.
    pub(super) deliveries: Vec<PreparedDelivery>,
    /// Whether any hook fired.
    pub(super) fires: bool,
    /// What became of the hooks that listen and do not ring.
    pub(super) said: Vec<String>,
}

impl Preparer<'_> {
    /// What rings for a subject now.
    pub(super) fn ring_for(&mut self, subject: &Subject) -> Rung {
        let (config, counters, now) = (self.config, self.counters, self.unix_ms);
        let mut said = Vec::new();
        let shape = &mut *self.shape;
        let decision = hooks::decide_through(config, subject, &mut |hook, decision| {
            let (cooled, fault) = shape.cool(hook, subject, now);
            if let Some(reason) = fault {
                decision.broken_conditions += 1;
                decision.remarks.push(format!(
                    "`cooldown_by` of {} could not be read for {}, so the hook fires: {reason}",
                    hook.name, subject.id
                ));
            }
            match cooled {
                Cooled::Fires(suppressed) => Some(suppressed),
                Cooled::Silent => {
                    counters.silenced.one();
                    said.push(format!("`{}` fired, and its `cooldown` silenced it", hook.name));
                    None
                }
            }
        });
        counters.conditions_broken.add(decision.broken_conditions);
        counters.params_ignored.add(decision.ignored_params);
        self.remarks.extend(decision.remarks);
        if let Some(accounts) = self.accounts.as_deref_mut() {
            accounts.push((subject.kind.clone(), hooks::account(config, subject)));
        }
        // A task is decided about for its own fields, which `explain` can do again; there are too many of them
        // to keep a reason for each.
        if !subject.kind.starts_with("task.") && !subject.for_asked {
            said.extend(self.quiet_hooks(&decision.rings, subject));
        }
        let mut deliveries = Vec::new();
        let mut heard = Vec::new();
        for ring in &decision.rings {
            // An address that a task named is told at once: it belongs to that task alone.
            let held =
                if ring.endpoint.is_of_task() { None } else { self.held(ring.hook, &ring.endpoint, subject) };
            match held {
                None => {
                    let delivery = self.delivery(ring, subject);
                    heard.extend(delivery.message.is_ok().then_some(&ring.hook.name));
                    deliveries.push(delivery);
                }
                Some(id) => {
                    heard.push(&ring.hook.name);
                    let how = if ring.hook.shaping.digest.is_some() { "gathered" } else { "held" };
                    let (hook, endpoint) = (&ring.hook.name, &ring.endpoint.name);
                    said.push(format!("`{hook}` fired for {endpoint}, and was {how}: it is told as {id}"));
                }
            }
        }
        for ring in decision.rings.iter().filter(|ring| !heard.contains(&&ring.hook.name)) {
            self.shape.unheard(ring.hook, subject, ring.suppressed, now);
        }
        Rung { deliveries, fires: !decision.rings.is_empty(), said }
    }

    /// Why hooks that listen to an event do not fire for it.
    fn quiet_hooks(&self, rings: &[hooks::Ring<'_>], subject: &Subject) -> Vec<String> {
        let listens = |hook: &Hook| hook.on.contains(&subject.kind);
        let rings = |hook: &Hook| rings.iter().any(|ring| std::ptr::eq(ring.hook, hook));
        if self.config.hooks.iter().all(|hook| !listens(hook) || rings(hook)) {
            return Vec::new();
        }
        let accounts = hooks::account(self.config, subject);
        let of_hooks = self.config.hooks.iter().zip(accounts);
        let quiet = of_hooks.filter(|(hook, account)| listens(hook) && !rings(hook) && !account.fires);
        quiet
            .map(|(hook, account)| {
                self.config.scrubber.scrub(&format!("`{}` stayed quiet: {}", hook.name, account.why))
            })
            .collect()
    }

    /// A digest, as an event with its delivery.
    pub(super) fn digest(&mut self, window: &Window) -> Prepared {
        self.counters.digests.one();
        let (context, now) = (window.context(self.unix_ms), self.unix_ms);
        let hook = hook_of(self.config, window.hook());
        let endpoint = self.config.endpoint(window.endpoint());
        let message = match endpoint {
            Some(endpoint) => self.compose(hook, endpoint, &context),
            None => Err(format!("endpoint `{}` is no longer configured", window.endpoint())),
        };
        let reserves = match (hook, endpoint) {
            (Some(hook), Some(endpoint)) => self.reserves(hook, endpoint, window.kind(), &context),
            _ => Vec::new(),
        };
        let ttl = hook.and_then(|hook| hook.shaping.ttl);
        let delivery = PreparedDelivery {
            endpoint: window.endpoint().to_owned(),
            hook: window.hook().to_owned(),
            why: "a digest of what fired before".to_owned(),
            message: message.map(|message| Arc::new(message.into())),
            expires_at: ttl.map(|ttl| now + ttl.as_millis() as i64),
            thing: None,
            superseded: None,
            reserves,
            named: None,
        };
        Prepared {
            id: window.id(),
            kind: window.kind().to_owned(),
            accepted_at: now,
            ticket: 0,
            payload: window.payload(),
            held: false,
            fired: false,
            deliveries: vec![delivery],
            said: None,
            batch_task: None,
        }
    }

    /// The id of what a firing is told with later, if it is not told now.
    fn held(&mut self, hook: &Hook, endpoint: &Endpoint, subject: &Subject) -> Option<EventId> {
        let (held, fault) = self.shape.hold(hook, &endpoint.name, subject, self.unix_ms);
        self.counters.gathered.add(u64::from(held.is_some()));
        if let Some(reason) = fault {
            self.counters.conditions_broken.one();
            self.remarks.push(format!(
                "`quiet_except` of {} could not be evaluated for {}, so the hook is heard: {reason}",
                hook.name, subject.id
            ));
        }
        held
    }

    fn delivery(&mut self, ring: &hooks::Ring<'_>, subject: &Subject) -> PreparedDelivery {
        let shaping = &ring.hook.shaping;
        let told = (ring.suppressed > 0).then(|| with_suppressed(&subject.context, ring.suppressed));
        let context = told.as_ref().unwrap_or(&subject.context);
        let thing = match shaping.supersede.as_ref().map(|key| key.of(context)) {
            Some(Err(reason)) => {
                self.counters.conditions_broken.one();
                self.remarks.push(format!(
                    "`supersede` of {} could not be read for {}, so nothing is superseded: {reason}",
                    ring.hook.name, subject.id
                ));
                None
            }
            thing => thing.and_then(Result::ok),
        };
        PreparedDelivery {
            endpoint: ring.endpoint.name.clone(),
            hook: ring.hook.name.clone(),
            why: self.config.scrubber.scrub(&hooks::why(ring.hook, subject)),
            message: self
                .compose(Some(ring.hook), &ring.endpoint, context)
                .map(|message| Arc::new(message.into())),
            expires_at: shaping.ttl.map(|ttl| subject.accepted_at.saturating_add(ttl.as_millis() as i64)),
            thing,
            superseded: None,
            reserves: self.reserves(ring.hook, &ring.endpoint, &subject.kind, context),
            named: ring.endpoint.is_of_task().then(|| Arc::clone(&ring.endpoint)),
        }
    }

    fn compose(
        &self,
        hook: Option<&Hook>,
        endpoint: &Endpoint,
        context: &Context,
    ) -> Result<Message, String> {
        message::compose(hook.and_then(|hook| hook.template.as_ref()), endpoint, context)
            .map(|message| trimmed(hook, endpoint, message))
            .map_err(|error| self.config.scrubber.scrub(&error.to_string()))
    }

    /// What stands by for a delivery: the endpoints it falls back to, and those who are told later.
    fn reserves(&self, hook: &Hook, to: &Endpoint, kind: &str, context: &Context) -> Vec<PreparedReserve> {
        let mut reserves = Vec::new();
        self.add_fallbacks(hook, to, to, context, &mut reserves);
        let Some(escalate) = &hook.shaping.escalate else { return reserves };
        let due_at = Some(self.unix_ms.saturating_add(escalate.after.as_millis() as i64));
        let alert = (kind == "alert.firing")
            .then(|| context.text_at(&["alert", "name"]).unwrap_or_default().to_owned());
        for other in escalate.to.iter().filter_map(|name| self.config.endpoint(name)) {
            if let Ok(message) = self.compose_for(hook, to, other, context) {
                let (via, endpoint) = (to.name.clone(), other.name.clone());
                reserves.push(PreparedReserve { via, endpoint, due_at, alert: alert.clone(), message });
                self.add_fallbacks(hook, to, other, context, &mut reserves);
            }
        }
        reserves
    }

    /// The way from an endpoint along its fallbacks. One for which there is no message is passed over.
    fn add_fallbacks(
        &self,
        hook: &Hook,
        meant: &Endpoint,
        from: &Endpoint,
        context: &Context,
        reserves: &mut Vec<PreparedReserve>,
    ) {
        let follow = |endpoint: &Endpoint| -> Option<&Arc<Endpoint>> {
            self.config.endpoint(endpoint.fallback.as_deref()?)
        };
        let (mut via, mut next) = (from.name.clone(), follow(from));
        // The configuration has no circles; a way is never longer than there are endpoints.
        for _ in 0..self.config.endpoints.len() {
            let Some(endpoint) = next else { return };
            if let Ok(message) = self.compose_for(hook, meant, endpoint, context) {
                let name = endpoint.name.clone();
                let stands =
                    PreparedReserve { via, endpoint: name.clone(), due_at: None, alert: None, message };
                reserves.push(stands);
                via = name;
            }
            next = follow(endpoint);
        }
    }

    /// The message of a hook for another endpoint than it was written for: on another platform its own card
    /// takes the place of the template.
    fn compose_for(
        &self,
        hook: &Hook,
        meant: &Endpoint,
        endpoint: &Endpoint,
        context: &Context,
    ) -> Result<Message, String> {
        let fits = meant.platform.name() == endpoint.platform.name();
        self.compose(Some(hook).filter(|_| fits), endpoint, context)
    }
}

fn with_suppressed(context: &Context, suppressed: u64) -> Context {
    let mut json = context.json().clone();
    if let Some(Json::Object(event)) = json.get_mut("event") {
        event.insert("suppressed".into(), json!(suppressed));
    }
    Context::new(json)
}
