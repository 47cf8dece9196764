"""A fit with Lightning. TEAM_URL is a webhook of Slack, Discord, Teams, or any other receiver."""

import lightning
import torch

import taskbell
from taskbell.integrations.lightning import TaskbellCallback


class Double(lightning.LightningModule):
    """Learns to double a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: torch.Tensor, _index: int) -> torch.Tensor:
        loss = ((self.layer(batch) - 2 * batch) ** 2).mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


taskbell.init("env:TEAM_URL")
numbers = torch.utils.data.DataLoader(torch.arange(32.0).reshape(-1, 1) / 32, batch_size=8)
trainer = lightning.Trainer(
    max_epochs=4,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    callbacks=[TaskbellCallback()],
)
trainer.fit(Double(), numbers)
