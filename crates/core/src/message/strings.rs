//! The strings of cards in each language. To add a language, add a table.

use super::context::Context;
use super::quantities::{DurationUnits, group_thousands};

/// A language of the cards: `[host] language`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// `en`.
    #[default]
    English,
    /// `zh`: Chinese in simplified characters.
    Chinese,
}

impl Language {
    /// The language of this code: `en` or `zh`.
    pub fn from_code(code: &str) -> Option<Language> {
        [Language::English, Language::Chinese].into_iter().find(|language| language.code() == code)
    }

    /// `en` or `zh`.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }
}

/// The strings of one language. `{…}` is replaced by a value; see [`fill`] and [`CardWords::say`](super::words::CardWords::say).
pub(crate) struct Strings {
    pub(super) units: DurationUnits,
    /// The separator of thousands; not a line break opportunity.
    pub(super) thousands: char,
    /// What a task is called, unless `[words]` has another name: one, several.
    pub(super) task: (&'static str, &'static str),
    pub(super) training: &'static str,
    /// A count with the noun.
    pub(super) counted: &'static str,
    pub(super) task_done: &'static str,
    pub(super) task_failed: &'static str,
    pub(super) task_cancelled: &'static str,
    pub(super) named: &'static str,
    /// A name that means nothing alone, such as a number.
    pub(super) labelled: &'static str,
    pub(super) took: &'static str,
    pub(super) usually: &'static str,
    pub(super) on_host: &'static str,
    pub(super) placed: &'static str,
    pub(super) started: &'static str,
    pub(super) running: &'static str,
    pub(super) finished: &'static str,
    pub(super) stalled: &'static str,
    pub(super) was_cancelled: &'static str,
    pub(super) interrupted: &'static str,
    pub(super) all_done: &'static str,
    pub(super) all_failed: &'static str,
    pub(super) all_cancelled: &'static str,
    pub(super) done_of: &'static str,
    pub(super) done: &'static str,
    pub(super) failed_of: &'static str,
    pub(super) some_failed: &'static str,
    pub(super) some_cancelled: &'static str,
    pub(super) nothing_for: &'static str,
    pub(super) server_started: &'static str,
    pub(super) server_stopped: &'static str,
    pub(super) alert_firing: &'static str,
    pub(super) alert_reminder: &'static str,
    pub(super) alert_resolved: &'static str,
    pub(super) above: &'static str,
    pub(super) below: &'static str,
    pub(super) now: &'static str,
    pub(super) lasts: &'static str,
    pub(super) after: &'static str,
    pub(super) reminder: &'static str,
    pub(super) digest: &'static str,
    pub(super) digest_tasks: &'static str,
    pub(super) digest_tasks_counted: &'static str,
    /// One event and several, of each [`SummaryPart`](super::SummaryPart).
    pub(super) parts: [(&'static str, &'static str); 15],
    pub(super) more: &'static str,
    pub(super) unnamed_task: &'static str,
    pub(super) failure: &'static str,
    pub(super) list: &'static str,
    /// Between parts of a sentence.
    pub(super) comma: &'static str,
    pub(super) duration: &'static str,
    pub(super) time_left: &'static str,
    pub(super) per_task: &'static str,
    pub(super) last_task: &'static str,
    pub(super) progress: &'static str,
    pub(super) error: &'static str,
    pub(super) seed: &'static str,
    pub(super) size: &'static str,
    pub(super) steps: &'static str,
    pub(super) model: &'static str,
    pub(super) kind: &'static str,
    pub(super) user: &'static str,
    pub(super) users: &'static str,
    pub(super) queue: &'static str,
    pub(super) batch: &'static str,
    pub(super) remaining: &'static str,
    pub(super) metric: &'static str,
    pub(super) value: &'static str,
    pub(super) threshold: &'static str,
    pub(super) since: &'static str,
    pub(super) lasted: &'static str,
    pub(super) suppressed: &'static str,
    /// One and several messages that a cooldown held back.
    pub(super) similar: (&'static str, &'static str),
    /// Between a label and its value on one line.
    pub(crate) colon: &'static str,
    /// The heading of a list of failures.
    pub(crate) failures: &'static str,
    /// A button or link to the event.
    pub(crate) open: &'static str,
    pub(super) open_image: &'static str,
    pub(super) open_file: &'static str,
    pub(super) open_host: &'static str,
    /// A button or link to a picture; also its description.
    pub(crate) preview: &'static str,
    /// The heading of what is folded away, such as a traceback.
    pub(crate) details: &'static str,
}

/// Also the language of the filters.
pub(super) static ENGLISH: Strings = Strings {
    units: DurationUnits { ms: " ms", s: " s", min: " min", whole_min: " min", h: " h", d: " d" },
    thousands: '\u{202f}',
    task: ("task", "tasks"),
    training: "Training",
    counted: "{count} {noun}",
    task_done: "{Task} done",
    task_failed: "{Task} failed",
    task_cancelled: "{Task} cancelled",
    named: "{what}: {name}",
    labelled: "{what} {name}",
    took: "{title} ({time})",
    usually: "{time}, usually {usual}",
    on_host: "{what} on {host}",
    placed: "{title} · {places}",
    started: "{name} started",
    running: "{name} running",
    finished: "{name} finished",
    stalled: "{name} stalled",
    was_cancelled: "{name} cancelled",
    interrupted: "{name} interrupted",
    all_done: "all {total} done",
    all_failed: "all {total} failed",
    all_cancelled: "all {total} cancelled",
    done_of: "{done} of {total} done",
    done: "{total} done",
    failed_of: "{failed} of {total} failed",
    some_failed: "{total} failed",
    some_cancelled: "{total} cancelled",
    nothing_for: "nothing for {time}",
    server_started: "Server started",
    server_stopped: "Server stopped",
    alert_firing: "Alert",
    alert_reminder: "Alert still firing",
    alert_resolved: "Alert resolved",
    above: "above {bound}",
    below: "below {bound}",
    now: "now {value}",
    lasts: "for {time}",
    after: "after {time}",
    reminder: "Reminder",
    digest: "{count} events: {type}",
    digest_tasks: "{counted} ended",
    digest_tasks_counted: "{counted} ended: {succeeded} succeeded, {failed} failed",
    parts: [
        ("1 alert", "{count} alerts"),
        ("1 batch stalled", "{count} batches stalled"),
        ("1 digest", "{count} digests"),
        ("{counted} failed", "{counted} failed"),
        ("1 queue finished with failures", "{count} queues finished with failures"),
        ("1 batch finished with failures", "{count} batches finished with failures"),
        ("1 queue finished", "{count} queues finished"),
        ("1 batch finished", "{count} batches finished"),
        ("1 alert resolved", "{count} alerts resolved"),
        ("1 server stopped", "{count} servers stopped"),
        ("1 server started", "{count} servers started"),
        ("1 queue started", "{count} queues started"),
        ("{counted} cancelled", "{counted} cancelled"),
        ("{counted} succeeded", "{counted} succeeded"),
        ("1 × {type}", "{count} × {type}"),
    ],
    more: "and {count} more",
    unnamed_task: "unnamed {task}",
    failure: "{name}: {reason}",
    list: ", ",
    comma: ", ",
    duration: "Duration",
    time_left: "Time left",
    per_task: "Per {task}",
    last_task: "Last {task}",
    progress: "Progress",
    error: "Error",
    seed: "Seed",
    size: "Size",
    steps: "Steps",
    model: "Model",
    kind: "Kind",
    user: "User",
    users: "Users",
    queue: "Queue",
    batch: "Batch",
    remaining: "Still in queue",
    metric: "Metric",
    value: "Value",
    threshold: "Threshold",
    since: "Since",
    lasted: "Lasted",
    suppressed: "Held back",
    similar: ("1 similar message", "{count} similar messages"),
    colon: ": ",
    failures: "Failures",
    open: "Open",
    open_image: "Open image",
    open_file: "Open file",
    open_host: "Open host page",
    preview: "Preview",
    details: "Details",
};

static CHINESE: Strings = Strings {
    units: DurationUnits {
        ms: " 毫秒", s: " 秒", min: " 分", whole_min: " 分钟", h: " 小时", d: " 天"
    },
    thousands: ',',
    task: ("任务", "任务"),
    training: "训练",
    counted: "{count} 个{noun}",
    task_done: "{Task}完成",
    task_failed: "{Task}失败",
    task_cancelled: "{Task}已取消",
    named: "{what}：{name}",
    labelled: "{what} {name}",
    took: "{title}（{time}）",
    usually: "{time}（通常 {usual}）",
    on_host: "{what}（{host}）",
    placed: "{title} · {places}",
    started: "{name}已开始",
    running: "{name}进行中",
    finished: "{name}已结束",
    stalled: "{name}停滞",
    was_cancelled: "{name}已取消",
    interrupted: "{name}已中断",
    all_done: "{total}全部完成",
    all_failed: "{total}全部失败",
    all_cancelled: "{total}全部取消",
    done_of: "完成 {done}/{total}",
    done: "完成 {total}",
    failed_of: "失败 {failed}/{total}",
    some_failed: "失败 {total}",
    some_cancelled: "取消 {total}",
    nothing_for: "{time}没有进展",
    server_started: "服务已启动",
    server_stopped: "服务已停止",
    alert_firing: "告警",
    alert_reminder: "告警仍未恢复",
    alert_resolved: "告警已恢复",
    above: "高于 {bound}",
    below: "低于 {bound}",
    now: "现为 {value}",
    lasts: "已持续 {time}",
    after: "持续了 {time}",
    reminder: "提醒次数",
    digest: "{count} 个事件：{type}",
    digest_tasks: "{counted}已结束",
    digest_tasks_counted: "{counted}已结束：成功 {succeeded}，失败 {failed}",
    parts: [
        ("1 条告警", "{count} 条告警"),
        ("1 个批次停滞", "{count} 个批次停滞"),
        ("1 份汇总", "{count} 份汇总"),
        ("{counted}失败", "{counted}失败"),
        ("1 个队列结束（有失败）", "{count} 个队列结束（有失败）"),
        ("1 个批次结束（有失败）", "{count} 个批次结束（有失败）"),
        ("1 个队列结束", "{count} 个队列结束"),
        ("1 个批次结束", "{count} 个批次结束"),
        ("1 条告警已恢复", "{count} 条告警已恢复"),
        ("服务停止 1 次", "服务停止 {count} 次"),
        ("服务启动 1 次", "服务启动 {count} 次"),
        ("1 个队列开始", "{count} 个队列开始"),
        ("{counted}取消", "{counted}取消"),
        ("{counted}成功", "{counted}成功"),
        ("1 条 {type}", "{count} 条 {type}"),
    ],
    more: "另有 {count} 个",
    unnamed_task: "未命名{task}",
    failure: "{name}：{reason}",
    list: "、",
    comma: "，",
    duration: "用时",
    time_left: "剩余时间",
    per_task: "平均每{task}",
    last_task: "上次完成",
    progress: "进度",
    error: "错误",
    seed: "种子",
    size: "尺寸",
    steps: "步数",
    model: "模型",
    kind: "类型",
    user: "用户",
    users: "用户",
    queue: "队列",
    batch: "批次",
    remaining: "队列剩余",
    metric: "指标",
    value: "当前值",
    threshold: "阈值",
    since: "开始时间",
    lasted: "持续时间",
    suppressed: "已静默",
    similar: ("1 条", "{count} 条"),
    colon: "：",
    failures: "失败任务",
    open: "打开",
    open_image: "查看图片",
    open_file: "打开文件",
    open_host: "打开主机页面",
    preview: "预览",
    details: "详细信息",
};

impl Strings {
    /// The strings of the language in `host.language`, else English.
    #[inline(never)]
    pub(crate) fn of(context: &Context) -> &'static Strings {
        let language = context.text_at(&["host", "language"]).and_then(Language::from_code);
        match language.unwrap_or_default() {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        }
    }

    /// `and 12 more`, at the end of a shortened list.
    pub(crate) fn more(&self, count: usize) -> String {
        fill(self.more, &[("count", &self.number(count as u64))])
    }

    /// A count with its thousands separated.
    pub(super) fn number(&self, count: u64) -> String {
        group_thousands(&count.to_string(), self.thousands)
    }
}

/// Replaces `{names}` with values. Names inside values are not replaced.
pub(super) fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_looks_like_a_name_stays_as_it_is() {
        assert_eq!(
            fill("{what}: {name}", &[("what", "Done {name}"), ("name", "{what}")]),
            "Done {name}: {what}"
        );
        assert_eq!(fill("a {unknown} b {", &[]), "a  b {");
    }

    #[test]
    fn the_host_chooses_the_language_and_english_is_the_default() {
        let open = |host| Strings::of(&Context::new(json!({ "host": host }))).open;
        assert_eq!(open(json!({"language": "zh"})), "打开");
        for host in [json!({"language": "en"}), json!({"language": "tlh"}), json!({"language": 5}), json!({})]
        {
            assert_eq!(open(host), "Open");
        }
    }
}
