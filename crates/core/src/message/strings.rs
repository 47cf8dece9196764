//! The strings of cards in each language. To add a language, add a column.

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

/// Declares the strings, each with its English and its Chinese form.
macro_rules! strings {
    (@type) => { &'static str };
    (@type $type:ty) => { $type };
    ($($(#[$about:meta])* $name:ident $(: $type:ty)? = $english:expr, $chinese:expr;)*) => {
        /// The strings of one language. `{…}` is replaced by a value; see [`fill`] and
        /// [`CardWords::say`](super::words::CardWords::say).
        pub(crate) struct Strings {
            $($(#[$about])* pub(crate) $name: strings!(@type $($type)?),)*
        }

        /// Also the language of the filters.
        pub(super) static ENGLISH: Strings = Strings { $($name: $english,)* };

        static CHINESE: Strings = Strings { $($name: $chinese,)* };
    };
}

strings! {
    units: DurationUnits =
        DurationUnits { ms: " ms", s: " s", min: " min", whole_min: " min", h: " h", d: " d" },
        DurationUnits { ms: " 毫秒", s: " 秒", min: " 分", whole_min: " 分钟", h: " 小时", d: " 天" };
    /// The separator of thousands; not a line break opportunity.
    thousands: char = '\u{202f}', ',';
    /// What a task is called, unless `[words]` has another name: one, several.
    task: (&'static str, &'static str) = ("task", "tasks"), ("任务", "任务");
    training = "Training", "训练";
    /// A count with the noun.
    counted = "{count} {noun}", "{count} 个{noun}";
    task_done = "{Task} done", "{Task}完成";
    task_failed = "{Task} failed", "{Task}失败";
    task_cancelled = "{Task} cancelled", "{Task}已取消";
    named = "{what}: {name}", "{what}：{name}";
    /// A name that means nothing alone, such as a number.
    labelled = "{what} {name}", "{what} {name}";
    took = "{title} ({time})", "{title}（{time}）";
    usually = "{time}, usually {usual}", "{time}（通常 {usual}）";
    on_host = "{what} on {host}", "{what}（{host}）";
    placed = "{title} · {places}", "{title} · {places}";
    started = "{name} started", "{name}已开始";
    running = "{name} running", "{name}进行中";
    finished = "{name} finished", "{name}已结束";
    stalled = "{name} stalled", "{name}停滞";
    was_cancelled = "{name} cancelled", "{name}已取消";
    interrupted = "{name} interrupted", "{name}已中断";
    all_done = "all {total} done", "{total}全部完成";
    all_failed = "all {total} failed", "{total}全部失败";
    all_cancelled = "all {total} cancelled", "{total}全部取消";
    done_of = "{done} of {total} done", "完成 {done}/{total}";
    done = "{total} done", "完成 {total}";
    failed_of = "{failed} of {total} failed", "失败 {failed}/{total}";
    some_failed = "{total} failed", "失败 {total}";
    some_cancelled = "{total} cancelled", "取消 {total}";
    nothing_for = "nothing for {time}", "{time}没有进展";
    server_started = "Server started", "服务已启动";
    server_stopped = "Server stopped", "服务已停止";
    alert_firing = "Alert", "告警";
    alert_reminder = "Alert still firing", "告警持续中";
    alert_resolved = "Alert resolved", "告警已解除";
    above = "above {bound}", "高于 {bound}";
    below = "below {bound}", "低于 {bound}";
    now = "now {value}", "当前 {value}";
    lasts = "for {time}", "已持续 {time}";
    after = "after {time}", "持续了 {time}";
    reminder = "Reminders", "提醒次数";
    digest = "{count} events: {type}", "{count} 个事件：{type}";
    digest_tasks = "{counted} finished", "{counted}已结束";
    digest_tasks_counted = "{counted} finished: {succeeded} succeeded, {failed} failed", "{counted}已结束：成功 {succeeded}，失败 {failed}";
    /// One event and several, of each [`SummaryPart`](super::SummaryPart).
    parts: [(&'static str, &'static str); 15] = [
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
    ], [
        ("1 条告警", "{count} 条告警"),
        ("1 个批次停滞", "{count} 个批次停滞"),
        ("1 份汇总", "{count} 份汇总"),
        ("{counted}失败", "{counted}失败"),
        ("1 个队列结束（有失败）", "{count} 个队列结束（有失败）"),
        ("1 个批次结束（有失败）", "{count} 个批次结束（有失败）"),
        ("1 个队列结束", "{count} 个队列结束"),
        ("1 个批次结束", "{count} 个批次结束"),
        ("1 条告警已解除", "{count} 条告警已解除"),
        ("服务停止 1 次", "服务停止 {count} 次"),
        ("服务启动 1 次", "服务启动 {count} 次"),
        ("1 个队列开始", "{count} 个队列开始"),
        ("{counted}取消", "{counted}取消"),
        ("{counted}成功", "{counted}成功"),
        ("1 条 {type}", "{count} 条 {type}"),
    ];
    more = "and {count} more", "另有 {count} 个";
    failure = "{name}: {reason}", "{name}：{reason}";
    list = ", ", "、";
    /// Between parts of a sentence.
    comma = ", ", "，";
    duration = "Duration", "用时";
    time_left = "Time left", "剩余时间";
    per_task = "Per {task}", "{task}平均用时";
    last_task = "Last {task}", "上次完成";
    error = "Error", "错误";
    seed = "Seed", "种子";
    size = "Size", "尺寸";
    steps = "Steps", "步数";
    model = "Model", "模型";
    kind = "Kind", "类型";
    images = "Images", "图片数量";
    user = "User", "用户";
    users = "Users", "用户";
    queue = "Queue", "队列";
    batch = "Batch", "批次";
    remaining = "Still in queue", "队列剩余";
    metric = "Metric", "指标";
    value = "Value", "当前值";
    threshold = "Threshold", "阈值";
    since = "Since", "始于";
    lasted = "Lasted", "持续时间";
    lasting = "Lasting", "已持续";
    suppressed = "Suppressed", "未发送";
    /// One and several messages that a cooldown held back.
    similar: (&'static str, &'static str) = ("1 similar message", "{count} similar messages"), ("1 条类似消息", "{count} 条类似消息");
    /// Between a label and its value on one line.
    colon = ": ", "：";
    /// The heading of a list of failures.
    failures = "Failures", "失败明细";
    /// A button or link to the event.
    open = "Open", "打开";
    open_image = "Open image", "查看图片";
    open_file = "Open file", "打开文件";
    open_host = "Open host page", "打开主机页面";
    /// A button or link to a picture; also its description.
    preview = "Preview", "预览";
    /// The heading of what is folded away, such as a traceback.
    details = "Details", "详情";
}

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
