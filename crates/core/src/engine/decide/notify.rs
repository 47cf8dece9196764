//! From an event to its deliveries: matches hooks, applies their shaping, and renders the messages.

use super::decider::Decider;
use super::fallbacks::{Renderer, plan_fallbacks};
use super::planned::{PlannedDelivery, PlannedEvent, PlannedState};
use crate::clock::Moment;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::event::{ALERT_RESOLVED, EventId};
use crate::hooks::{self, Decision, Hook, Match, Subject};
use crate::json::{Members, json};
use crate::lanes::Body;
use crate::message::{self, Context, Message, clip};
use crate::shaping::{CooldownResult, DigestWindow, ThingChange, hook_of};
use serde_json::Value as Json;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

const MAX_EXPLANATION: usize = 4096;

impl Decider {
    /// The deliveries of one event, which may be several subjects: an endpoint gets one message. The second
    /// value explains the hooks that cause none.
    pub(super) fn notify(&mut self, subjects: &[Subject]) -> (Vec<PlannedDelivery>, Option<String>) {
        let Some(first) = subjects.first() else { return (Vec::new(), None) };
        let _in_hand = message::subject(first.number);
        panic::catch_unwind(AssertUnwindSafe(|| self.notify_all(subjects))).unwrap_or_else(|_| {
            self.decisions.counts.defects += 1;
            let explanation = format!("a defect of Taskbell: no message for {}", first.id);
            self.decisions.remarks.push(explanation.clone());
            (Vec::new(), Some(explanation))
        })
    }

    fn notify_all(&mut self, subjects: &[Subject]) -> (Vec<PlannedDelivery>, Option<String>) {
        let mut deliveries: Vec<PlannedDelivery> = Vec::new();
        let mut explanation = Vec::new();
        let mut is_heard = false;
        for subject in subjects {
            let (own, matched) = self.notify_subject(subject, &mut explanation);
            is_heard |= matched;
            if deliveries.is_empty() {
                deliveries = own;
                continue;
            }
            for delivery in own {
                if !deliveries.iter().any(|other| other.endpoint == delivery.endpoint) {
                    deliveries.push(delivery);
                }
            }
        }
        if !is_heard {
            self.decisions.counts.unheard += 1;
        }
        let explanation = (!explanation.is_empty()).then(|| clip(&explanation.join("\n"), MAX_EXPLANATION));
        (deliveries, explanation)
    }

    /// The deliveries of one subject, and whether any hook matched.
    fn notify_subject(
        &mut self,
        subject: &Subject,
        explanation: &mut Vec<String>,
    ) -> (Vec<PlannedDelivery>, bool) {
        let config = self.config.clone();
        let (decision, cooled) = self.match_hooks(&config, subject, explanation);
        self.decisions.counts.conditions_broken += decision.broken_conditions;
        self.decisions.counts.params_ignored += decision.ignored_params;
        self.decisions.remarks.extend(decision.remarks);
        if self.explains() {
            let explanations = hooks::explain(config.rules(), subject);
            self.decisions.explanations.push((subject.kind.clone(), explanations));
        }
        // `explain` can repeat the decision about a task from its own fields, and there are too many tasks to
        // keep a sentence for each.
        if !subject.kind.starts_with("task.") && !subject.for_asked {
            explanation.extend(self.explain_unmatched(&decision.matches, subject));
        }
        let mut deliveries = Vec::with_capacity(decision.matches.len());
        let mut sent = Vec::with_capacity(decision.matches.len());
        for matched in &decision.matches {
            let (hook, endpoint) = (matched.hook, &matched.endpoint);
            // An address that a task named belongs to that task alone, so nothing is gathered for it.
            let held = if endpoint.is_of_task() { None } else { self.hold(hook, endpoint, subject) };
            match held {
                None => {
                    let delivery = self.delivery(matched, subject);
                    sent.extend(delivery.message.is_ok().then_some(&hook.name));
                    deliveries.push(delivery);
                }
                Some(id) => {
                    sent.push(&hook.name);
                    let how = if hook.shaping.digest.is_some() { "gathered" } else { "held" };
                    let (hook, endpoint) = (&hook.name, &endpoint.name);
                    explanation
                        .push(format!("`{hook}` matched for {endpoint}, and was {how}: it is sent as {id}"));
                }
            }
        }
        for hook in cooled {
            let is_heard = |to: &str| decision.matches.iter().any(|matched| &*matched.endpoint.name == to);
            for to in hook.to.iter().filter(|to| config.endpoint(to).is_some() && !is_heard(to)) {
                if self.shaping.hold_late(hook, to, subject, self.now.unix_ms) {
                    let hook = &hook.name;
                    explanation.push(format!(
                        "`{hook}` notifies {to} at the end of the `cooldown` if it still lasts"
                    ));
                }
            }
        }
        if let Some(change) = ThingChange::of(subject) {
            sent.iter().for_each(|hook| self.shaping.tell(hook, &change, self.now.unix_ms));
        }
        // A cooldown only starts once a message was rendered.
        for matched in decision.matches.iter().filter(|matched| !sent.contains(&&matched.hook.name)) {
            self.shaping.not_sent(matched.hook, subject, matched.suppressed, self.now.unix_ms);
        }
        (deliveries, !decision.matches.is_empty())
    }

    fn match_hooks<'a>(
        &mut self,
        config: &'a Config,
        subject: &Subject,
        explanation: &mut Vec<String>,
    ) -> (Decision<'a>, Vec<&'a Hook>) {
        let mut cooled = Vec::new();
        let (shaping, counts, now) = (&mut self.shaping, &mut self.decisions.counts, self.now.unix_ms);
        let decision = hooks::decide(config.rules(), subject, &mut |hook, decision| {
            let (result, fault) = shaping.cool(hook, subject, now);
            if let Some(reason) = fault {
                decision.note_broken(hook, subject, "cooldown_by", &reason);
            }
            match result {
                CooldownResult::Pass(suppressed) => Some(suppressed),
                CooldownResult::Suppressed => {
                    counts.silenced += 1;
                    explanation.push(format!("`{}` matched, and its `cooldown` suppressed it", hook.name));
                    cooled.push(hook);
                    None
                }
            }
        });
        (decision, cooled)
    }

    fn explain_unmatched(&self, matches: &[Match<'_>], subject: &Subject) -> Vec<String> {
        let matched = |hook: &Hook| matches.iter().any(|matched| std::ptr::eq(matched.hook, hook));
        let line = |hook: &Hook| {
            let why = hooks::why_not(hook, subject)?;
            Some(self.config.scrubber.scrub(&format!("`{}` did not match: {why}", hook.name)))
        };
        let unmatched = self.config.hooks.hearing(&subject.kind).filter(|hook| !matched(hook));
        let mut lines: Vec<String> = unmatched.filter_map(line).collect();
        if lines.is_empty() {
            return lines;
        }
        let total = |path: &[&str]| subject.context.at(path).and_then(Json::as_u64);
        let totals = total(&["queue", "total"]).zip(total(&["event", "data", "total"]));
        if let Some((counted, passed)) = totals.filter(|(counted, passed)| counted != passed) {
            lines.push(format!(
                "queue.total is {counted}, as Taskbell counted; the {passed} of the event is not used"
            ));
        }
        lines
    }

    /// The id of the digest that a match is sent with, if it is not sent now.
    fn hold(&mut self, hook: &Hook, endpoint: &Endpoint, subject: &Subject) -> Option<EventId> {
        // Whoever coalesces is a person, who reads what is over; a machine acts on it.
        let to = (&*endpoint.name, !endpoint.platform.description().coalesces);
        let (held, fault) = self.shaping.hold(hook, to, subject, self.now.unix_ms);
        self.decisions.counts.gathered += u64::from(held.is_some());
        if let Some(reason) = fault {
            self.decisions.counts.conditions_broken += 1;
            self.decisions.remarks.push(format!(
                "`quiet_except` of {} could not be evaluated for {}, so the message is sent: {reason}",
                hook.name, subject.id
            ));
        }
        held
    }

    fn delivery(&mut self, matched: &Match<'_>, subject: &Subject) -> PlannedDelivery {
        let (hook, endpoint) = (matched.hook, &matched.endpoint);
        let shaping = &hook.shaping;
        let with_count =
            (matched.suppressed > 0).then(|| with_suppressed(&subject.context, matched.suppressed));
        let context = with_count.as_ref().unwrap_or(&subject.context);
        let supersede_key = match shaping.supersede.as_ref().map(|key| key.of(context)) {
            Some(Err(reason)) => {
                self.decisions.counts.conditions_broken += 1;
                self.decisions.remarks.push(format!(
                    "`supersede` of {} could not be evaluated for {}, so nothing is superseded: {reason}",
                    hook.name, subject.id
                ));
                None
            }
            key => key.and_then(Result::ok),
        };
        // States are not repetitions: an end replaces no beginning, and nothing of another thing.
        let supersede_key = match ThingChange::of(subject) {
            Some(change) => supersede_key.map(|key| change.supersede_key(&key)),
            None => supersede_key,
        };
        let live = self.live_state(hook, endpoint, subject, context);
        let renderer = Renderer { config: &self.config, context };
        let message = renderer.render(Some(hook), endpoint);
        PlannedDelivery {
            endpoint: endpoint.name.clone(),
            hook: hook.name.clone(),
            why: self.config.scrubber.scrubbed(hooks::why(hook, subject)),
            unrendered: kept_of(&message, context),
            message: message.map(|message| Arc::new(message.into())),
            expires_at: shaping.ttl.map(|ttl| subject.accepted_at.saturating_add(ttl.as_millis() as i64)),
            supersede_key,
            live,
            superseded_by: None,
            fallbacks: plan_fallbacks(&renderer, hook, endpoint, &subject.kind, self.now.unix_ms),
            task_endpoint: endpoint.is_of_task().then(|| Arc::clone(endpoint)),
            early: None,
        }
    }

    /// The living message that a delivery is a state of. What has no key is a message of its own.
    fn live_state(
        &mut self,
        hook: &Hook,
        endpoint: &Endpoint,
        subject: &Subject,
        context: &Context,
    ) -> Option<PlannedState> {
        let expression = hook.shaping.live.as_ref().filter(|_| !endpoint.is_of_task())?;
        let fault = match expression.of(context) {
            Ok(key) if !key.is_empty() => {
                let closes = matches!(subject.kind.as_str(), "queue.end" | "batch.end" | ALERT_RESOLVED);
                return Some(PlannedState { key, closes, edits: endpoint.platform.description().edits });
            }
            Ok(_) => "it has no value".to_owned(),
            Err(reason) => reason,
        };
        self.decisions.counts.conditions_broken += 1;
        self.decisions.remarks.push(format!(
            "`live` of {} gives no key for {}, so the message is sent by itself: {fault}",
            hook.name, subject.id
        ));
        None
    }

    /// The message of a replayed dead letter that could not be rendered before, from the context that was kept.
    pub fn render_again(&self, kept: &[u8], hook: &str, endpoint: &Endpoint) -> Result<Body, String> {
        let context: Json = serde_json::from_slice(kept).map_err(|_| "its context is damaged".to_owned())?;
        let context = Context::new(context).among(self.several());
        let renderer = Renderer { config: &self.config, context: &context };
        renderer.render(hook_of(&self.config.hooks, hook), endpoint).map(Body::from)
    }

    /// Decides about the digest windows that are due; with `even_quiet`, also in quiet hours.
    pub fn close_windows(&mut self, now: Moment, even_quiet: bool) {
        self.now = now;
        for window in self.shaping.due(&self.config.hooks, now.unix_ms, even_quiet) {
            self.decisions.counts.digests += 1;
            let events = self.close_window(&window);
            self.decisions.events.extend(events);
        }
    }

    /// A digest as an event with its delivery. A receiver that opens something with an alert and closes it with
    /// its end gets the newest state of each alert as a message of its own, unless the hook's template was
    /// written for digests alone.
    fn close_window(&mut self, window: &DigestWindow) -> Vec<PlannedEvent> {
        let _in_hand = message::subject(window.id().stable_hash());
        let now = self.now.unix_ms;
        let endpoint = self.config.endpoint(window.endpoint());
        if endpoint.is_none_or(|endpoint| endpoint.platform.description().coalesces) {
            return vec![self.digest(window, &window.context(now))];
        }
        let apart = window.states_apart(now);
        if apart.is_empty() {
            let explanation =
                "its alerts began and ended before it was sent, so no message is sent".to_owned();
            let context = window.context(now);
            let silent = PlannedEvent { deliveries: Vec::new(), ..self.digest(window, &context) };
            return vec![PlannedEvent { explanation: Some(explanation), ..silent }];
        }
        let events: Vec<PlannedEvent> = apart.iter().map(|context| self.digest(window, context)).collect();
        let failed =
            events.iter().flat_map(|event| &event.deliveries).any(|delivery| delivery.message.is_err());
        if failed { vec![self.digest(window, &window.context(now))] } else { events }
    }

    fn digest(&self, window: &DigestWindow, context: &Context) -> PlannedEvent {
        let id = context.text_at(&["event", "id"]).and_then(EventId::parse).unwrap_or_else(|| window.id());
        let event = PlannedEvent::new(id, kind_of(window, context), self.now.unix_ms, window.payload());
        PlannedEvent { deliveries: vec![self.digest_delivery(window, context)], ..event }
    }

    fn digest_delivery(&self, window: &DigestWindow, context: &Context) -> PlannedDelivery {
        let now = self.now.unix_ms;
        let context = &context.clone().among(self.several());
        let renderer = Renderer { config: &self.config, context };
        let hook = hook_of(&self.config.hooks, window.hook());
        let endpoint = self.config.endpoint(window.endpoint());
        let message = match endpoint {
            Some(endpoint) => renderer.render(hook, endpoint),
            None => Err(format!("endpoint `{}` is no longer configured", window.endpoint())),
        };
        let fallbacks = match (hook, endpoint) {
            (Some(hook), Some(endpoint)) => {
                plan_fallbacks(&renderer, hook, endpoint, kind_of(window, context), now)
            }
            _ => Vec::new(),
        };
        let ttl = hook.and_then(|hook| hook.shaping.ttl);
        PlannedDelivery {
            endpoint: window.endpoint().into(),
            hook: window.hook().into(),
            why: match window.is_late() {
                true => "it still lasts at the end of the `cooldown`".to_owned(),
                false => "a digest of earlier matches".to_owned(),
            },
            unrendered: kept_of(&message, context),
            message: message.map(|message| Arc::new(message.into())),
            expires_at: ttl.map(|ttl| now + ttl.as_millis() as i64),
            supersede_key: None,
            live: None,
            superseded_by: None,
            fallbacks,
            task_endpoint: None,
            early: None,
        }
    }
}

/// What is kept with a message that could not be rendered.
fn kept_of(message: &Result<Message, String>, context: &Context) -> Vec<u8> {
    message.as_ref().err().map(|_| context.json().to_string().into_bytes()).unwrap_or_default()
}

/// The type of the newest item.
fn kind_of<'a>(window: &'a DigestWindow, context: &'a Context) -> &'a str {
    context.text_at(&["event", "type"]).unwrap_or_else(|| window.kind())
}

fn with_suppressed(context: &Context, suppressed: u64) -> Context {
    let mut json = context.json().clone();
    if let Some(Json::Object(event)) = json.get_mut("event") {
        event.put("suppressed", json!(suppressed));
    }
    Context::new(json).among(context.several())
}
