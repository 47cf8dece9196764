"""A training with Transformers. TEAM_URL is a webhook of Slack, Discord, Teams, or any other receiver."""

import torch
from transformers import Trainer, TrainingArguments

import taskbell
from taskbell.integrations.transformers import TaskbellCallback


class Line(torch.nn.Module):
    """Learns to double a number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": ((self.weight * x - labels) ** 2).mean()}


taskbell.init("env:TEAM_URL")
numbers = [torch.tensor([float(number % 4)]) for number in range(32)]
arguments = TrainingArguments(
    "double", num_train_epochs=2, logging_steps=2, save_strategy="no", report_to=[], use_cpu=True
)
Trainer(
    Line(),
    arguments,
    train_dataset=[{"x": number, "labels": 2 * number} for number in numbers],
    callbacks=[TaskbellCallback()],
).train()
