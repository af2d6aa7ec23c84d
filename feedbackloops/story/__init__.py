"""What the pages of a delivery, an attempt and an event tell: each module gathers one part, templates lay it out."""
