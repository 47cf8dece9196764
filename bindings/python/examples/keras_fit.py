"""A fit with Keras. TEAM_URL is a webhook of Slack, Discord, Teams, or any other receiver."""

import keras
import numpy as np

import taskbell
from taskbell.integrations.keras import TaskbellCallback

taskbell.init("env:TEAM_URL")
model = keras.Sequential([keras.layers.Dense(1)], name="double")
model.compile(optimizer="sgd", loss="mse")
numbers = np.arange(32.0).reshape(-1, 1) / 32
model.fit(numbers, 2 * numbers, epochs=4, verbose=0, callbacks=[TaskbellCallback()])
