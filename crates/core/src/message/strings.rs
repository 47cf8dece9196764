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

/// The strings of one language. `{…}` is replaced by a value; see [`fill`].
pub(crate) struct Strings {
    pub(super) units: DurationUnits,
    /// The separator of thousands; not a line break opportunity.
    pub(super) thousands: char,
    pub(super) task_done: &'static str,
    pub(super) task_failed: &'static str,
    pub(super) task_cancelled: &'static str,
    pub(super) named: &'static str,
    pub(super) placed: &'static str,
    pub(super) queue_started: &'static str,
    pub(super) queue_running: &'static str,
    pub(super) batch_running: &'static str,
    pub(super) queue_finished: &'static str,
    pub(super) batch_finished: &'static str,
    pub(super) batch_stalled: &'static str,
    pub(super) counted: &'static str,
    pub(super) all_succeeded: &'static str,
    pub(super) all_failed: &'static str,
    pub(super) all_cancelled: &'static str,
    pub(super) one_cancelled: &'static str,
    pub(super) counted_cancelled: &'static str,
    pub(super) counted_failed: &'static str,
    pub(super) counted_tasks: &'static str,
    pub(super) one_task: &'static str,
    pub(super) only_failed: &'static str,
    pub(super) only_succeeded: &'static str,
    pub(super) queue_cancelled: &'static str,
    pub(super) batch_cancelled: &'static str,
    pub(super) queue_interrupted: &'static str,
    pub(super) done: &'static str,
    pub(super) done_of: &'static str,
    pub(super) nothing_for: &'static str,
    pub(super) server_started: &'static str,
    pub(super) server_stopped: &'static str,
    pub(super) alert_firing: &'static str,
    pub(super) alert_reminder: &'static str,
    pub(super) above: &'static str,
    pub(super) below: &'static str,
    pub(super) reminder: &'static str,
    pub(super) alert_resolved: &'static str,
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
    pub(super) tasks: &'static str,
    pub(super) failed: &'static str,
    pub(super) cancelled: &'static str,
    pub(super) error: &'static str,
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
    pub(super) suppressed: &'static str,
    pub(super) lasted: &'static str,
    /// Between a label and its value on one line.
    pub(crate) colon: &'static str,
    /// The heading of a list of failures.
    pub(crate) failures: &'static str,
    /// A button or link to the event.
    pub(crate) open: &'static str,
    /// A button or link to a picture; also its description.
    pub(crate) preview: &'static str,
}

/// Also the language of the filters.
pub(super) static ENGLISH: Strings = Strings {
    units: DurationUnits { ms: " ms", s: " s", min: " min", whole_min: " min", h: " h", d: " d" },
    thousands: '\u{202f}',
    task_done: "Task done",
    task_failed: "Task failed",
    task_cancelled: "Task cancelled",
    named: "{what}: {name}",
    placed: "{title} · {places}",
    queue_started: "Queue started",
    queue_running: "Queue running",
    batch_running: "Batch running",
    queue_finished: "Queue finished",
    batch_finished: "Batch finished",
    batch_stalled: "Batch stalled",
    counted: "{what}: {succeeded} of {total} succeeded",
    all_succeeded: "{what}: all {total} succeeded",
    all_failed: "{what}: all {total} failed",
    all_cancelled: "{what}: all {total} cancelled",
    one_cancelled: "{what}: cancelled",
    counted_cancelled: "{what}: {succeeded} of {total} succeeded, {cancelled} cancelled",
    counted_failed: "{what}: {failed} of {total} failed",
    counted_tasks: "{what}: {total} tasks",
    one_task: "{what}: 1 task",
    only_failed: "{what}: {failed} failed",
    only_succeeded: "{what}: {succeeded} succeeded",
    queue_cancelled: "Queue cancelled",
    batch_cancelled: "Batch cancelled",
    queue_interrupted: "Queue interrupted",
    done: "{done} done",
    done_of: "{done} of {total} done",
    nothing_for: "nothing for {time}",
    server_started: "Server started",
    server_stopped: "Server stopped",
    alert_firing: "Alert",
    alert_reminder: "Alert still firing",
    above: "above {bound}",
    below: "below {bound}",
    reminder: "Reminder",
    alert_resolved: "Alert resolved",
    digest: "{count} events: {type}",
    digest_tasks: "{count} tasks ended",
    digest_tasks_counted: "{count} tasks ended: {succeeded} succeeded, {failed} failed",
    parts: [
        ("1 alert", "{count} alerts"),
        ("1 batch stalled", "{count} batches stalled"),
        ("1 digest", "{count} digests"),
        ("1 task failed", "{count} tasks failed"),
        ("1 queue finished with failures", "{count} queues finished with failures"),
        ("1 batch finished with failures", "{count} batches finished with failures"),
        ("1 queue finished", "{count} queues finished"),
        ("1 batch finished", "{count} batches finished"),
        ("1 alert resolved", "{count} alerts resolved"),
        ("1 server stopped", "{count} servers stopped"),
        ("1 server started", "{count} servers started"),
        ("1 queue started", "{count} queues started"),
        ("1 task cancelled", "{count} tasks cancelled"),
        ("1 task succeeded", "{count} tasks succeeded"),
        ("1 × {type}", "{count} × {type}"),
    ],
    more: "and {count} more",
    unnamed_task: "a task without a name",
    failure: "{name}: {reason}",
    list: ", ",
    comma: ", ",
    duration: "Duration",
    time_left: "Time left",
    per_task: "Per task",
    tasks: "Tasks",
    failed: "Failed",
    cancelled: "Cancelled",
    error: "Error",
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
    colon: ": ",
    failures: "Failures",
    open: "Open",
    preview: "Preview",
    suppressed: "Silenced before",
};

static CHINESE: Strings = Strings {
    units: DurationUnits {
        ms: " 毫秒", s: " 秒", min: " 分", whole_min: " 分钟", h: " 小时", d: " 天"
    },
    thousands: ',',
    task_done: "任务完成",
    task_failed: "任务失败",
    task_cancelled: "任务已取消",
    named: "{what}：{name}",
    placed: "{title} · {places}",
    queue_started: "队列开始",
    queue_running: "队列运行中",
    batch_running: "批次运行中",
    queue_finished: "队列结束",
    batch_finished: "批次结束",
    batch_stalled: "批次停滞",
    counted: "{what}：成功 {succeeded} / {total}",
    all_succeeded: "{what}：{total} 个任务全部成功",
    all_failed: "{what}：{total} 个任务全部失败",
    all_cancelled: "{what}：{total} 个任务全部取消",
    one_cancelled: "{what}：已取消",
    counted_cancelled: "{what}：成功 {succeeded} / {total}，取消 {cancelled}",
    counted_failed: "{what}：失败 {failed} / {total}",
    counted_tasks: "{what}：{total} 个任务",
    one_task: "{what}：1 个任务",
    only_failed: "{what}：失败 {failed}",
    only_succeeded: "{what}：成功 {succeeded}",
    queue_cancelled: "队列已取消",
    batch_cancelled: "批次已取消",
    queue_interrupted: "队列中断",
    done: "已完成 {done}",
    done_of: "已完成 {done} / {total}",
    nothing_for: "{time}没有进展",
    server_started: "服务已启动",
    server_stopped: "服务已停止",
    alert_firing: "告警",
    alert_reminder: "告警仍未恢复",
    above: "高于 {bound}",
    below: "低于 {bound}",
    reminder: "提醒次数",
    alert_resolved: "告警恢复",
    digest: "{count} 个事件：{type}",
    digest_tasks: "{count} 个任务已结束",
    digest_tasks_counted: "{count} 个任务已结束：成功 {succeeded}，失败 {failed}",
    parts: [
        ("1 个告警", "{count} 个告警"),
        ("1 个批次停滞", "{count} 个批次停滞"),
        ("1 份汇总", "{count} 份汇总"),
        ("1 个任务失败", "{count} 个任务失败"),
        ("1 个队列结束（有失败）", "{count} 个队列结束（有失败）"),
        ("1 个批次结束（有失败）", "{count} 个批次结束（有失败）"),
        ("1 个队列结束", "{count} 个队列结束"),
        ("1 个批次结束", "{count} 个批次结束"),
        ("1 个告警恢复", "{count} 个告警恢复"),
        ("服务停止 1 次", "服务停止 {count} 次"),
        ("服务启动 1 次", "服务启动 {count} 次"),
        ("1 个队列开始", "{count} 个队列开始"),
        ("1 个任务取消", "{count} 个任务取消"),
        ("1 个任务成功", "{count} 个任务成功"),
        ("{type} 1 个", "{type} {count} 个"),
    ],
    more: "另有 {count} 个",
    unnamed_task: "未命名任务",
    failure: "{name}：{reason}",
    list: "、",
    comma: "，",
    duration: "用时",
    time_left: "剩余时间",
    per_task: "平均每个",
    tasks: "任务数",
    failed: "失败",
    cancelled: "已取消",
    error: "错误",
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
    since: "开始于",
    suppressed: "此前静默",
    lasted: "持续",
    colon: "：",
    failures: "失败任务",
    open: "打开",
    preview: "预览",
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
