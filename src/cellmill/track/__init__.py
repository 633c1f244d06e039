"""Recording runs in MLflow. The only part of cellmill that imports mlflow, and never before it is needed."""

from __future__ import annotations

from cellmill.track.poc import log_poc_metric, poc_environment
from cellmill.track.push import Sent, push_spools
from cellmill.track.tracker import Tracker
from cellmill.track.verification import record_verification

__all__ = ["Sent", "Tracker", "log_poc_metric", "poc_environment", "push_spools", "record_verification"]
