"""Operations that double a feature map, and their arithmetic."""
